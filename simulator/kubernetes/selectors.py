"""Label and field selectors, parsed to predicates on objects."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.kubernetes import errors
from simulator.kubernetes.names import label_key_problems, label_value_problems
from simulator.kubernetes.resources import Resource
from simulator.kubernetes.status import Object

Predicate = Callable[[Object], bool]

_REQUIREMENT = re.compile(
    r"\s*(?:"
    r"(?P<absent>!)\s*(?P<absent_key>[^\s=!,()<>]+)"
    r"|(?P<key>[^\s=!,()<>]+)\s*"
    r"(?:(?P<set>\bin\b|\bnotin\b)\s*\((?P<values>[^()]*)\)"
    r"|(?P<operator>==|=|!=|>|<)\s*(?P<value>[^\s=!,()<>]*)"
    r")?"
    r")\s*(?:,|$)"
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One term of a label selector. ``operator`` is a metav1.LabelSelectorOperator, Gt or Lt."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        match self.operator:
            case "Exists":
                return value is not None
            case "DoesNotExist":
                return value is None
            case "In":
                return value in self.values
            case "NotIn":
                return value not in self.values
            case _:
                return self._compares(value)

    def _compares(self, value: str | None) -> bool:
        (bound,) = self.values
        if value is None or not _is_integer(value) or not _is_integer(bound):
            return False
        return int(value) > int(bound) if self.operator == "Gt" else int(value) < int(bound)


def _is_integer(text: str) -> bool:
    return text.removeprefix("-").isdigit()


def parse_labels(selector: str) -> tuple[Requirement, ...]:
    """Raises ApiError 400 where the text is not a label selector."""
    requirements = []
    position = 0
    while position < len(selector):
        found = _REQUIREMENT.match(selector, position)
        if found is None or found.end() == position:
            raise errors.bad_request(
                f'unable to parse requirement: found "{selector[position:]}" in the label '
                f'selector "{selector}"'
            )
        requirements.append(_requirement(found))
        position = found.end()
    return tuple(requirements)


def _requirement(found: re.Match[str]) -> Requirement:
    if found["absent"]:
        requirement = Requirement(found["absent_key"], "DoesNotExist")
    elif found["set"]:
        values = frozenset(value.strip() for value in found["values"].split(","))
        requirement = Requirement(found["key"], "In" if found["set"] == "in" else "NotIn", values)
    elif found["operator"]:
        operator = {"!=": "NotIn", ">": "Gt", "<": "Lt"}.get(found["operator"], "In")
        requirement = Requirement(found["key"], operator, frozenset({found["value"]}))
    else:
        requirement = Requirement(found["key"], "Exists")
    _check(requirement)
    return requirement


def _check(requirement: Requirement) -> None:
    problems = label_key_problems(requirement.key)
    for value in requirement.values:
        problems += label_value_problems(value)
    if problems:
        raise errors.bad_request(
            f'unable to parse requirement: key "{requirement.key}": {"; ".join(problems)}'
        )


def label_predicate(selector: str) -> Predicate | None:
    """None where the selector chooses everything."""
    requirements = parse_labels(selector)
    if not requirements:
        return None

    def matches(obj: Object) -> bool:
        labels = obj["metadata"].get("labels") or {}
        return all(requirement.matches(labels) for requirement in requirements)

    return matches


def has_labels(obj: Object, wanted: Mapping[str, str]) -> bool:
    labels = obj["metadata"].get("labels") or {}
    return all(labels.get(key) == value for key, value in wanted.items())


_EVERY_KIND = frozenset({"metadata.name", "metadata.namespace"})
_FIELDS: Mapping[str, frozenset[str]] = {
    "pods": frozenset(
        {
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        }
    ),
    "nodes": frozenset({"spec.unschedulable"}),
    "events": frozenset(
        {
            *(
                f"{reference}.{field}"
                for reference in ("involvedObject", "regarding")
                for field in (
                    "kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"
                )
            ),
            "reason",
            "reportingComponent",
            "reportingController",
            "source",
            "type",
        }
    ),
    "namespaces": frozenset({"status.phase"}),
    "secrets": frozenset({"type"}),
    "services": frozenset({"spec.clusterIP", "spec.type"}),
    "replicasets.apps": frozenset({"status.replicas"}),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FieldTerm:
    field: str
    value: str
    equal: bool

    def matches(self, obj: Object) -> bool:
        return (field_value(obj, self.field) == self.value) is self.equal


def parse_fields(selector: str, resource: Resource) -> tuple[FieldTerm, ...]:
    """Raises ApiError 400 where the text is no field selector or ``resource`` lacks the field."""
    terms = []
    for text in filter(None, (part.strip() for part in selector.split(","))):
        found = re.fullmatch(r"([^=!]+)(==|!=|=)(.*)", text)
        if found is None:
            raise errors.bad_request(f'invalid field selector "{text}"; can\'t understand "{text}"')
        field, operator, value = found.groups()
        known = _EVERY_KIND | _FIELDS.get(resource.collection, frozenset())
        if field not in known.union(resource.selectable_fields):
            raise errors.bad_request(f"field label not supported: {field}")
        terms.append(FieldTerm(field, value, operator != "!="))
    return tuple(terms)


def field_predicate(selector: str, resource: Resource) -> Predicate | None:
    terms = parse_fields(selector, resource)
    if not terms:
        return None
    return lambda obj: all(term.matches(obj) for term in terms)


def field_value(obj: Object, field: str) -> str:
    """The stored object's field as text; "" where it has none."""
    path = field.replace("regarding.", "involvedObject.")
    if path == "source":
        path = "source.component"
    if path == "reportingController":
        path = "reportingComponent"
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return _as_text(value)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
