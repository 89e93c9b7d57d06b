"""The CEL rules of structural schemas, ``x-kubernetes-validations``.

Rules are evaluated at every level of the schema that has some. A rule that names ``oldSelf`` is a
transition rule: it applies to updates only, unless it says ``optionalOldSelf``. Behaviour follows
"Validation rules" in the Kubernetes docs on CustomResourceDefinitions. Fields are not checked
against the schema at compile time: an unknown one is an evaluation error. Lists compare item by
item, even those that the schema calls sets or maps.
"""

from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any, NamedTuple

from cel_expr_python.cel import Activation

from simulator.kubernetes.cel_programs import CelError, Program, bind, compiled, mentions
from simulator.kubernetes.cel_reads import inputs
from simulator.kubernetes.cel_values import cel_value
from simulator.kubernetes.field_errors import duplicate, forbidden, invalid, invalid_whole, required
from simulator.kubernetes.schema_correlation import ABSENT, old_field, old_item
from simulator.kubernetes.schema_facts import NodeIds, nodes_leading_to
from simulator.kubernetes.status import Cause, Object

RULES = "x-kubernetes-validations"
MAX_EVALUATIONS = 2_000
_REMEMBERED_PASSES = 10_000
_VARIABLES = ("self", "oldSelf")
_ruled_nodes = nodes_leading_to(lambda schema: bool(schema.get(RULES)))


class _Site(NamedTuple):
    """A value that stands where the schema has rules."""

    schema: Object
    value: Any
    old: Any
    path: str


def violations(schema: Object, value: Object, old: Object | None = None) -> list[Cause]:
    """What the rules hold against ``value``; it must already satisfy the schema's keywords.

    Bounded: after ``MAX_EVALUATIONS`` rules the rest count as violated, as when a real API server
    runs out of its cost budget.
    """
    evaluations = _evaluations(schema, value, ABSENT if old is None else old)
    causes = [cause for cause in islice(evaluations, MAX_EVALUATIONS) if cause is not None]
    if next(evaluations, ABSENT) is not ABSENT:
        spent = (
            "validation failed due to running out of cost budget, no further validation rules"
            " will be run"
        )
        causes.append(invalid_whole("", spent))
    return causes


def _evaluations(schema: Object, value: Any, old: Any) -> Iterator[Cause | None]:
    """The outcome of each rule that applies, one by one."""
    for site in _sites(schema, value, old, "", _ruled_nodes(schema)):
        scope = _Scope(site)
        for rule in site.schema[RULES]:
            if _applies(rule, site):
                yield None if scope.is_known_to_pass(rule) else _judge(rule, site, scope)


_Judged = tuple[int, str, bool, bytes]
"""A schema, a rule of it, whether there was an old value, and what the rule reads of the values."""
_PASSED: dict[_Judged, Object] = {}
"""Most writes leave what a rule reads as it was. The schemas are kept so that no id is reused."""


class _Scope:
    """The variables of one site, bound when first asked for."""

    def __init__(self, site: _Site) -> None:
        self._site = site

    def is_known_to_pass(self, rule: Object) -> bool:
        return _PASSED.get(self._judged(rule)) is self._site.schema

    def remember_pass(self, rule: Object) -> None:
        if len(_PASSED) >= _REMEMBERED_PASSES:
            _PASSED.clear()
        _PASSED[self._judged(rule)] = self._site.schema

    def _judged(self, rule: Object) -> _Judged:
        old = [] if self._site.old is ABSENT else [self._site.old]
        variables = {"self": self._site.value, "oldSelf": next(iter(old), None)}
        return id(self._site.schema), rule["rule"], bool(old), inputs(rule["rule"], variables)

    @cached_property
    def plain(self) -> Activation:
        return bind({"self": self._self_value, "oldSelf": next(iter(self._old_values), None)})

    @cached_property
    def with_optional_old(self) -> Activation:
        return bind({"self": self._self_value, "oldSelf": self._old_values})

    @cached_property
    def _self_value(self) -> Any:
        return cel_value(self._site.schema, self._site.value)

    @cached_property
    def _old_values(self) -> list[Any]:
        old = self._site.old
        return [] if old is ABSENT else [cel_value(self._site.schema, old)]


def _sites(schema: Object, value: Any, old: Any, path: str, ruled: NodeIds) -> Iterator[_Site]:
    """Every value that stands where the schema has rules."""
    if value is None:
        return
    if schema.get(RULES):
        yield _Site(schema, value, old, path)
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        additional = schema.get("additionalProperties")
        for name, item in value.items():
            child = properties.get(name, additional)
            if id(child) in ruled:
                child_path = f"{path}.{name}" if path else name
                yield from _sites(child, item, old_field(old, name), child_path, ruled)
    elif isinstance(value, list) and id(schema.get("items")) in ruled:
        for index, item in enumerate(value):
            counterpart = old_item(schema, item, old)
            yield from _sites(schema["items"], item, counterpart, f"{path}[{index}]", ruled)


def _applies(rule: Object, site: _Site) -> bool:
    if _is_transition(rule["rule"]):
        return site.old is not ABSENT or bool(rule.get("optionalOldSelf"))
    return site.old is ABSENT or site.old != site.value


@lru_cache(maxsize=4096)
def _is_transition(expression: str) -> bool:
    return mentions(expression, "oldSelf")


def _judge(rule: Object, site: _Site, scope: _Scope) -> Cause | None:
    variables = scope.with_optional_old if rule.get("optionalOldSelf") else scope.plain
    try:
        if _program(rule, "rule", "bool").evaluate(variables):
            scope.remember_pass(rule)
            return None
    except CelError as failure:
        return _cause(rule, site, f"{failure} evaluating rule: {_plain_message(rule)}")
    return _cause(rule, site, _message(rule, variables))


def _program(rule: Object, field: str, returns: str) -> Program:
    if not rule.get("optionalOldSelf"):
        return compiled(rule[field], _VARIABLES, returns)
    # The engine takes no optional from outside: it is made of a list with one item or none.
    options = "(size(oldSelf) == 0 ? [optional.none()] : [optional.of(oldSelf[0])])"
    return compiled(f"{options}.map(oldSelf, {rule[field]})[0]", _VARIABLES, returns)


def _message(rule: Object, variables: Activation) -> str:
    if rule.get("messageExpression"):
        try:
            message: str = _program(rule, "messageExpression", "string").evaluate(variables)
        except CelError:
            return _plain_message(rule)
        if message.strip() and "\n" not in message:
            return message.strip()
    return _plain_message(rule)


def _plain_message(rule: Object) -> str:
    message: str = rule.get("message", "").strip()
    return message or f"failed rule: {rule['rule'].strip()}"


def _cause(rule: Object, site: _Site, detail: str) -> Cause:
    field = (site.path + rule.get("fieldPath", "")).removeprefix(".")
    match rule.get("reason"):
        case "FieldValueForbidden":
            return forbidden(field, detail)
        case "FieldValueRequired":
            return required(field, detail)
        case "FieldValueDuplicate":
            return duplicate(field, detail)
    if isinstance(site.value, str | int | float) and "fieldPath" not in rule:
        return invalid(field, site.value, detail)
    return invalid_whole(field, detail)


def faults(rule: Object) -> list[str]:
    """Why a rule would be refused in a CRD; empty where it compiles."""
    if not isinstance(rule.get("rule"), str) or not rule["rule"].strip():
        return ["rule is required"]
    found = []
    for field, returns in (("rule", "bool"), ("messageExpression", "string")):
        if rule.get(field):
            try:
                _program(rule, field, returns)
            except CelError as failure:
                found.append(f"{field}: {failure}")
    return found
