"""Which requests a ValidatingAdmissionPolicy or its binding is about."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from simulator.kubernetes.selectors import Requirement
from simulator.kubernetes.status import Object


class Operation(StrEnum):
    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    CONNECT = "CONNECT"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionRequest:
    """``namespace_object`` is None for cluster-scoped resources, ``object`` for deletes."""

    operation: Operation
    group: str
    version: str
    resource: str
    kind: str
    name: str
    namespace: str = ""
    subresource: str = ""
    object: Object | None = None
    old_object: Object | None = None
    namespace_object: Object | None = None
    user: str = "system:admin"
    groups: tuple[str, ...] = ("system:masters", "system:authenticated")
    dry_run: bool = False

    def as_variables(self) -> Object:
        """The variables that CEL expressions of policies see."""
        kind = {"group": self.group, "version": self.version, "kind": self.kind}
        resource = {"group": self.group, "version": self.version, "resource": self.resource}
        request = {
            "kind": kind,
            "requestKind": kind,
            "resource": resource,
            "requestResource": resource,
            "subResource": self.subresource,
            "requestSubResource": self.subresource,
            "name": self.name,
            "namespace": self.namespace,
            "operation": str(self.operation),
            "userInfo": {"username": self.user, "groups": list(self.groups)},
            "dryRun": self.dry_run,
        }
        return {
            "object": self.object,
            "oldObject": self.old_object,
            "namespaceObject": self.namespace_object,
            "params": None,
            "request": request,
        }


def matches(constraints: Object, request: AdmissionRequest) -> bool:
    """Whether ``matchConstraints`` or ``matchResources`` (v1.MatchResources) hold."""
    if any(_rule_matches(rule, request) for rule in constraints.get("excludeResourceRules", [])):
        return False
    rules = constraints.get("resourceRules", [])
    return (
        (not rules or any(_rule_matches(rule, request) for rule in rules))
        and _namespace_matches(constraints.get("namespaceSelector", {}), request)
        and _object_matches(constraints.get("objectSelector", {}), request)
    )


def _rule_matches(rule: Object, request: AdmissionRequest) -> bool:
    names = rule.get("resourceNames", [])
    return (
        _listed(rule.get("operations", []), request.operation)
        and _listed(rule.get("apiGroups", []), request.group)
        and _listed(rule.get("apiVersions", []), request.version)
        and any(_resource_matches(entry, request) for entry in rule.get("resources", []))
        and _scope_matches(rule.get("scope", "*"), request)
        and (not names or request.name in names)
    )


def _listed(allowed: list[str], value: str) -> bool:
    return "*" in allowed or value in allowed


def _resource_matches(entry: str, request: AdmissionRequest) -> bool:
    resource, _, subresource = entry.partition("/")
    if entry == "*/*":
        return True
    return resource in {"*", request.resource} and subresource in (
        {"*", request.subresource} if request.subresource else {"", "*"}
    )


def _scope_matches(scope: str, request: AdmissionRequest) -> bool:
    return scope == "*" or (scope == "Namespaced") == bool(request.namespace)


def _namespace_matches(selector: Object, request: AdmissionRequest) -> bool:
    """Cluster-scoped objects other than namespaces always match."""
    if request.kind == "Namespace" and not request.group:
        return _selects(selector, _labels(request.object or request.old_object))
    return not request.namespace or _selects(selector, _labels(request.namespace_object))


def _object_matches(selector: Object, request: AdmissionRequest) -> bool:
    """Either the old or the new object will do."""
    candidates = [obj for obj in (request.object, request.old_object) if obj is not None]
    return not selector or any(_selects(selector, _labels(obj)) for obj in candidates)


def _labels(obj: Object | None) -> Mapping[str, str]:
    return (obj or {}).get("metadata", {}).get("labels") or {}


def _selects(selector: Object, labels: Mapping[str, str]) -> bool:
    """metav1.LabelSelector."""
    wanted = selector.get("matchLabels") or {}
    requirements = [
        Requirement(entry["key"], entry["operator"], frozenset(entry.get("values") or []))
        for entry in selector.get("matchExpressions") or []
    ]
    return wanted.items() <= labels.items() and all(
        requirement.matches(labels) for requirement in requirements
    )
