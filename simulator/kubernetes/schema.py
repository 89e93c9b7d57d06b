"""Structural schemas of custom resources: pruning, defaulting and validation.

The schema is a CRD version's ``openAPIV3Schema``. Values handed to ``prune`` and
``apply_defaults`` are private copies and are changed in place; ``validate`` changes nothing.
Behaviour follows "Extend the Kubernetes API with CustomResourceDefinitions" of the Kubernetes docs.
"""

from typing import Any

from simulator.kubernetes import cel, schema_keywords
from simulator.kubernetes.json_values import copied_value
from simulator.kubernetes.schema_facts import NodeIds, nodes_leading_to
from simulator.kubernetes.status import Cause, Object

BLOCKING = frozenset(
    {"FieldValueRequired", "FieldValueTypeInvalid", "FieldValueTooLong", "FieldValueTooMany"}
)
_defaulting_nodes = nodes_leading_to(lambda schema: "default" in schema)
_TYPE_META = frozenset({"apiVersion", "kind", "metadata"})
_OBJECT_META = frozenset(
    {
        "annotations",
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "finalizers",
        "generateName",
        "generation",
        "labels",
        "managedFields",
        "name",
        "namespace",
        "ownerReferences",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)


def prune(schema: Object, value: Object, *, path: str = "") -> list[str]:
    """Removes fields the schema does not know, and tells their paths.

    With an empty ``path`` the value is a whole resource, whose type and metadata always stay.
    """
    return _prune(schema, value, path, whole_resource=not path)


def _prune(schema: Object, value: Any, path: str, *, whole_resource: bool) -> list[str]:
    if isinstance(value, list):
        return _prune_items(schema.get("items"), value, path)
    if not isinstance(value, dict):
        return []
    whole_resource = whole_resource or bool(schema.get("x-kubernetes-embedded-resource"))
    removed: list[str] = []
    for name in list(value):
        child_path = f"{path}.{name}" if path else name
        if whole_resource and name in _TYPE_META:
            removed += _prune_metadata(value[name], child_path) if name == "metadata" else []
        elif (child := _child_schema(schema, name)) is not None:
            removed += _prune(child, value[name], child_path, whole_resource=False)
        elif not schema.get("x-kubernetes-preserve-unknown-fields"):
            del value[name]
            removed.append(child_path)
    return removed


def _prune_items(items: Object | None, values: list[Any], path: str) -> list[str]:
    if items is None:
        return []
    removed: list[str] = []
    for index, value in enumerate(values):
        removed += _prune(items, value, f"{path}[{index}]", whole_resource=False)
    return removed


def _prune_metadata(metadata: Any, path: str) -> list[str]:
    if not isinstance(metadata, dict):
        return []
    unknown = [name for name in metadata if name not in _OBJECT_META]
    for name in unknown:
        del metadata[name]
    return [f"{path}.{name}" for name in unknown]


def _child_schema(schema: Object, name: str) -> Object | None:
    """The schema of a field; an empty one where any value may stand."""
    child: Object | bool | None = schema.get("properties", {}).get(name)
    if child is None:
        child = schema.get("additionalProperties")
    if isinstance(child, dict):
        return child
    return {"x-kubernetes-preserve-unknown-fields": True} if child else None


def apply_defaults(schema: Object, value: Any) -> None:
    """Fills in what the schema's ``default`` says, wherever the parent is present.

    A null whose field has a default and is not nullable gives way to the default.
    """
    _default(schema, value, _defaulting_nodes(schema))


def _default(schema: Object, value: Any, defaulting: NodeIds) -> None:
    if id(schema) not in defaulting:
        return
    if isinstance(value, list):
        for item in value:
            _default(schema.get("items", {}), item, defaulting)
        return
    if not isinstance(value, dict):
        return
    for name, child in schema.get("properties", {}).items():
        missing = name not in value or (value[name] is None and not child.get("nullable"))
        if missing and "default" in child:
            value[name] = copied_value(child["default"])
        if name in value:
            _default(child, value[name], defaulting)
    _default_additional(schema, value, defaulting)


def _default_additional(schema: Object, value: Object, defaulting: NodeIds) -> None:
    additional = schema.get("additionalProperties")
    if not isinstance(additional, dict):
        return
    known = schema.get("properties", {})
    for name, item in value.items():
        if name in known:
            continue
        if item is None and "default" in additional and not additional.get("nullable"):
            value[name] = copied_value(additional["default"])
        _default(additional, value[name], defaulting)


def validate(schema: Object, value: Object, old: Object | None = None) -> list[Cause]:
    """Everything wrong with ``value``, all at once.

    With ``old``, what an update leaves as it was is not held against it (validation ratcheting,
    GA in Kubernetes 1.33), and rules that name ``oldSelf`` apply. As in Kubernetes, rules are left
    out where types are wrong or required fields missing, and a last cause says so.
    """
    causes = schema_keywords.violations(schema, value, old)
    if any(cause.reason in BLOCKING for cause in causes):
        unchecked = (
            "Invalid value: null: some validation rules were not checked because the object was"
            " invalid; correct the existing errors to complete validation"
        )
        return [*causes, Cause(reason="FieldValueInvalid", message=unchecked, field="<nil>")]
    return causes + cel.violations(schema, value, old)
