"""Whether a schema may stand in a CustomResourceDefinition: structural, sound and compilable.

Rules and wording follow apiextensions' validation of CRDs ("Specifying a structural schema" in the
Kubernetes docs), as far as they keep this API server from acting on nonsense.
"""

from collections.abc import Iterator

from simulator.kubernetes import cel, schema_keywords
from simulator.kubernetes.field_errors import forbidden, invalid, required
from simulator.kubernetes.patterns import compiled
from simulator.kubernetes.schema_facts import children
from simulator.kubernetes.status import Cause, Object

MAX_NODES = 20_000
MAX_RULES_PER_NODE = 100


def violations(schema: Object, path: str) -> list[Cause]:
    """What is wrong with a schema; ``path`` is its place within the CRD."""
    if _size(schema) > MAX_NODES:
        return [forbidden(path, f"schemas of more than {MAX_NODES} parts are not supported")]
    causes = list(_at_root(schema, path))
    for node, node_path in _nodes(schema, path):
        causes += _structure(node, node_path)
        causes += _constraints(node, node_path)
        causes += _rules(node, node_path)
    return causes


def _size(schema: Object) -> int:
    return 1 + sum(map(_size, children(schema)))


def _nodes(schema: Object, path: str) -> Iterator[tuple[Object, str]]:
    yield schema, path
    for name, child in schema.get("properties", {}).items():
        if isinstance(child, dict):
            yield from _nodes(child, f"{path}.properties[{name}]")
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield from _nodes(schema[keyword], f"{path}.{keyword}")


def _at_root(schema: Object, path: str) -> Iterator[Cause]:
    if schema.get("type", "object") != "object":
        yield invalid(f"{path}.type", schema["type"], "must be object at the root")


def _structure(node: Object, path: str) -> Iterator[Cause]:
    untyped = node.get("x-kubernetes-int-or-string") or node.get(
        "x-kubernetes-preserve-unknown-fields"
    )
    if not node.get("type") and not untyped:
        yield required(f"{path}.type", "must not be empty for specified object fields")
    if node.get("properties") and "additionalProperties" in node:
        yield forbidden(
            f"{path}.additionalProperties", "additionalProperties and properties exclude each other"
        )
    if node.get("type") == "array" and not isinstance(node.get("items"), dict):
        yield required(f"{path}.items", "must be specified")
    if node.get("uniqueItems"):
        yield forbidden(
            f"{path}.uniqueItems",
            "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
        )
    if node.get("x-kubernetes-list-type") == "map":
        yield from _list_map(node, path)


def _list_map(node: Object, path: str) -> Iterator[Cause]:
    keys = node.get("x-kubernetes-list-map-keys")
    if not keys:
        yield required(
            f"{path}.x-kubernetes-list-map-keys",
            "must not be empty if x-kubernetes-list-type is map",
        )
        return
    items = node.get("items", {})
    for key in keys:
        known = items.get("properties", {}).get(key)
        if known is None:
            yield invalid(
                f"{path}.x-kubernetes-list-map-keys",
                key,
                "entries must all be names of item properties",
            )
        elif key not in items.get("required", []) and "default" not in known:
            yield required(
                f"{path}.items.properties[{key}].default",
                "this property is in x-kubernetes-list-map-keys,"
                " so it must have a default or be a required property",
            )


def _constraints(node: Object, path: str) -> Iterator[Cause]:
    pattern = node.get("pattern")
    if isinstance(pattern, str):
        try:
            compiled(pattern)
        except ValueError as failure:
            yield invalid(f"{path}.pattern", pattern, str(failure))
            return
    if node.get("default") is not None:
        yield from schema_keywords.violations(node, node["default"], path=f"{path}.default")


def _rules(node: Object, path: str) -> Iterator[Cause]:
    rules = node.get(cel.RULES) or []
    if len(rules) > MAX_RULES_PER_NODE:
        yield forbidden(f"{path}.{cel.RULES}", f"more than {MAX_RULES_PER_NODE} rules")
        return
    for index, rule in enumerate(rules):
        for fault in cel.faults(rule):
            yield invalid(f"{path}.{cel.RULES}[{index}].rule", rule.get("rule", ""), fault)
