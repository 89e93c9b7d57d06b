"""Requests about one workspace, to values: everything wrong with a request is named at once.

The functions raise InvalidRequest. What a workspace must be is the engine's to say.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from api import field_mask
from api.convert.messages import workspace_message
from api.convert.values import workspace_spec
from api.convertible import unconvertible
from api.errors import InvalidRequest
from api.field_path import api_path
from api.names import parse_namespace_name, parse_workspace_name
from api.v1 import workspace_pb2 as pb
from api.v1 import workspace_service_pb2 as service
from engine.errors import Violation
from engine.ports import NewWorkspace
from engine.validation import (
    DNS_1123_LABEL,
    DNS_1123_SUBDOMAIN,
    MAX_NAME_LENGTH,
    validate_new,
    validate_update,
)
from engine.workspace import (
    CAPACITY_TYPES_ANNOTATION,
    FALLBACKS_ANNOTATION,
    Workspace,
    WorkspaceRef,
    WorkspaceSpec,
)

MAX_REQUEST_ID_LENGTH = 128
MAX_STORED_NAME_LENGTH = 253  # objects made with kubectl may have DNS subdomains for names
UNNAMED = "unnamed"


def require_none(violations: Iterable[Violation]) -> None:
    found = tuple(violations)
    if found:
        raise InvalidRequest(found)


def existing(name: str, *, request_id: str = "") -> WorkspaceRef:
    """The workspace that a request means."""
    ref = _reference(name)
    wrong = [*_request_id(request_id)]
    if ref is None:
        raise InvalidRequest([*wrong, _not_a_name("name", name)])
    require_none(wrong)
    return ref


def new_workspace(request: service.CreateWorkspaceRequest) -> NewWorkspace:
    ref = _new_reference(request.parent, request.workspace_id)
    spec = workspace_spec(request.workspace)
    require_none(
        [
            *parent_violations(request.parent),
            *_request_id(request.request_id),
            *unconvertible(request.workspace, "workspace"),
            *_annotated(request.workspace),
            *_as_api(validate_new(ref, spec)),
        ]
    )
    return NewWorkspace(
        ref=ref,
        spec=spec,
        labels=dict(request.workspace.labels),
        annotations=dict(request.workspace.annotations),
    )


def planned_spec(request: service.PlanWorkspaceRequest) -> WorkspaceSpec:
    ref = _new_reference(request.parent, request.workspace_id or UNNAMED)
    spec = workspace_spec(request.workspace)
    require_none(
        [
            *parent_violations(request.parent),
            *unconvertible(request.workspace, "workspace"),
            *_annotated(request.workspace),
            *_as_api(validate_new(ref, spec)),
        ]
    )
    return spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an update changes: ``paths`` of the workspace, to what they are in ``message``."""

    ref: WorkspaceRef
    etag: str
    paths: tuple[str, ...]
    message: pb.Workspace

    @property
    def roots(self) -> frozenset[str]:
        return frozenset(path.split(".")[0] for path in self.paths)


def change(request: service.UpdateWorkspaceRequest) -> Change:
    message = request.workspace
    mask = tuple(request.update_mask.paths)
    ref = _reference(message.name)
    wrong = [
        *_request_id(request.request_id),
        *field_mask.violations(mask),
        *unconvertible(message, "workspace"),
        *_annotated(message),
    ]
    if ref is None:
        raise InvalidRequest([*wrong, _not_a_name("workspace.name", message.name)])
    require_none(wrong)
    paths = field_mask.effective(mask, message)
    return Change(ref=ref, etag=message.etag, paths=paths, message=message)


def changed(stored: Workspace, change: Change) -> Workspace:
    """The stored workspace with the change made, where the engine has nothing against it.

    What the change does not name is carried over untouched, not by way of its message.
    """
    message = workspace_message(stored)
    field_mask.overlay(message, change.message, change.paths)
    asked = workspace_spec(message)
    parts: dict[str, Any] = {
        part: getattr(asked, part)
        for part in ("resource", "inference", "tuning")
        if part in change.roots
    }
    spec = replace(stored.spec, **parts)
    require_none(_as_api(validate_update(stored.spec, spec)))
    return replace(
        stored, spec=spec, labels=dict(message.labels), annotations=dict(message.annotations)
    )


def is_namespace(name: str) -> bool:
    return len(name) <= MAX_NAME_LENGTH and DNS_1123_LABEL.fullmatch(name) is not None


def parent_violations(parent: str) -> Iterator[Violation]:
    namespace = parse_namespace_name(parent)
    if namespace is None or not is_namespace(namespace):
        yield Violation(field="parent", description=f"{parent!r} is not namespaces/{{namespace}}")


def _new_reference(parent: str, plain: str) -> WorkspaceRef:
    return WorkspaceRef(namespace=parse_namespace_name(parent) or "", name=plain)


def _reference(name: str) -> WorkspaceRef | None:
    ref = parse_workspace_name(name)
    if ref is None or not is_namespace(ref.namespace):
        return None
    fits = len(ref.name) <= MAX_STORED_NAME_LENGTH and DNS_1123_SUBDOMAIN.fullmatch(ref.name)
    return ref if fits else None


def _not_a_name(field: str, name: str) -> Violation:
    return Violation(
        field=field,
        description=f"{name!r} is not namespaces/{{namespace}}/workspaces/{{workspace}}",
    )


def _request_id(request_id: str) -> Iterator[Violation]:
    if len(request_id) > MAX_REQUEST_ID_LENGTH:
        yield Violation(
            field="request_id", description=f"has more than {MAX_REQUEST_ID_LENGTH} characters"
        )


_FIELDS = {
    FALLBACKS_ANNOTATION: "resource.fallback_instance_types",
    CAPACITY_TYPES_ANNOTATION: "resource.capacity_types",
}


def _annotated(message: pb.Workspace) -> Iterator[Violation]:
    """What has a field is not also said in an annotation: they could differ."""
    for name, field in _FIELDS.items():
        if name in message.annotations:
            yield Violation(
                field=f"workspace.annotations[{name}]", description=f"use {field} instead"
            )


def _as_api(violations: Iterable[Violation]) -> Iterator[Violation]:
    for violation in violations:
        yield replace(violation, field=api_path(violation.field))
