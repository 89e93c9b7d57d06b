"""Workspaces as kubectl writes them, in YAML, to requests of the API."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from adapters.kubernetes import workspace_codec
from adapters.kubernetes.crd import V1ALPHA1_INSTANCE_TYPE, workspace_crd
from api.convert.messages import spec_fields
from api.convert.values import workspace_spec
from api.names import workspace_name
from api.v1 import workspace_pb2 as pb
from api.v1 import workspace_service_pb2 as service
from engine.errors import Violation
from engine.workspace import (
    CAPACITY_TYPES_ANNOTATION,
    FALLBACKS_ANNOTATION,
    WorkspaceRef,
    WorkspaceSpec,
)
from moorage.failure import ExitCode, Failure
from moorage.shape import misfits

MAX_BYTES = 1 << 20
"""etcd takes no larger object."""

API_VERSIONS = ("kaito.sh/v1alpha1", "kaito.sh/v1beta1")
_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_METADATA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "namespace": {"type": "string"},
        "labels": _TEXTS,
        "annotations": _TEXTS,
    },
    "x-kubernetes-preserve-unknown-fields": True,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One Workspace document."""

    ref: WorkspaceRef
    spec: WorkspaceSpec
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @property
    def parent(self) -> str:
        return f"namespaces/{self.ref.namespace}"

    @property
    def message(self) -> pb.Workspace:
        return pb.Workspace(
            name=workspace_name(self.ref),
            labels=self.labels,
            annotations=self.annotations,
            **spec_fields(self.spec),
        )


def read_manifests(text: str, *, namespace: str) -> tuple[Manifest, ...]:
    """The Workspaces of a YAML text with one or several documents; empty ones are skipped.

    ``namespace`` is for those that name none. Raises Failure, with all that is wrong at once.
    """
    if len(text.encode()) > MAX_BYTES:
        raise _invalid([f"larger than {MAX_BYTES} bytes"])
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.CSafeLoader)):
            raise _invalid(["YAML aliases are refused: few lines of them can fill the memory"])
        documents = list(yaml.load_all(text, yaml.CSafeLoader))
    except yaml.YAMLError as error:
        raise _invalid([f"not YAML: {error}"]) from error
    given = [document for document in documents if document is not None]
    wrong = [line for number, it in enumerate(given, 1) for line in _wrong(it, number, len(given))]
    if wrong:
        raise _invalid(wrong)
    if not given:
        raise _invalid(["there is no document in it"])
    return tuple(_manifest(document, namespace) for document in given)


def _invalid(details: Iterable[str]) -> Failure:
    return Failure("the manifest is invalid", details=tuple(details), exit_code=ExitCode.INVALID)


def _wrong(document: Any, number: int, count: int) -> Iterator[str]:
    prefix = f"document {number}: " if count > 1 else ""
    for violation in _violations(document):
        field = f"{violation.field}: " if violation.field else ""
        yield f"{prefix}{field}{violation.description}"


def _violations(document: Any) -> Iterator[Violation]:
    if not isinstance(document, dict):
        yield Violation(field="", description="is not a mapping")
    elif document.get("apiVersion") not in API_VERSIONS or document.get("kind") != "Workspace":
        given = f"{document.get('apiVersion')} {document.get('kind')}"
        yield Violation(
            field="",
            description=f"{given} is not a Workspace of {' or '.join(API_VERSIONS)}; "
            "for other kinds use kubectl",
        )
    else:
        yield from misfits(_schema(), document)
        if not (document.get("metadata") or {}).get("name"):
            yield Violation(field="metadata.name", description="is required")


def _schema() -> Mapping[str, Any]:
    """The CRD's; its metadata is Kubernetes' own, and its status is not for users to write."""
    schema = workspace_crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    status = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        **schema,
        "properties": {**schema["properties"], "metadata": _METADATA, "status": status},
    }


def _manifest(document: dict[str, Any], namespace: str) -> Manifest:
    metadata = document["metadata"]
    return Manifest(
        ref=WorkspaceRef(namespace=metadata.get("namespace") or namespace, name=metadata["name"]),
        spec=workspace_codec.decode_spec(_with_defaults(document)),
        labels=metadata.get("labels") or {},
        annotations=workspace_codec.plain_annotations(metadata.get("annotations") or {}),
    )


def _with_defaults(document: dict[str, Any]) -> dict[str, Any]:
    if document["apiVersion"] != "kaito.sh/v1alpha1":
        return document
    resource = {"instanceType": V1ALPHA1_INSTANCE_TYPE, **(document.get("resource") or {})}
    return {**document, "resource": resource}


_PATHS = {
    "workspace_id": "metadata.name",
    "parent": "metadata.namespace",
    "workspace.resource.match_labels": "resource.labelSelector.matchLabels",
    "workspace.labels": "metadata.labels",
    "workspace.annotations": "metadata.annotations",
    **{
        f"workspace.resource.{field}": f"metadata.annotations[{name}]"
        for field, name in (
            ("fallback_instance_types", FALLBACKS_ANNOTATION),
            ("capacity_types", CAPACITY_TYPES_ANNOTATION),
        )
    },
}
_PRESET_OPTIONS = re.compile(r"preset\.(?=image|model)")
_SNAKE = re.compile(r"_([a-z])")


def manifest_path(field: str) -> str:
    """Where a manifest has what a request has in ``field``."""
    whole, _, _ = field.partition("[")
    if whole in _PATHS:
        return _PATHS[whole]
    path = _PRESET_OPTIONS.sub("preset.presetOptions.", field.removeprefix("workspace."))
    path = re.sub(r"\bvolume\b", "volumeSource", path)
    return _SNAKE.sub(lambda match: match[1].upper(), path)


def creation(manifest: Manifest, *, dry_run: bool) -> service.CreateWorkspaceRequest:
    return service.CreateWorkspaceRequest(
        parent=manifest.parent,
        workspace_id=manifest.ref.name,
        workspace=manifest.message,
        validate_only=dry_run,
    )


def change(
    manifest: Manifest, stored: pb.Workspace, *, dry_run: bool
) -> service.UpdateWorkspaceRequest | None:
    """What leads from the stored workspace to the manifest; None where nothing does.

    Labels and annotations are added or overwritten, never removed.
    """
    wanted = manifest.message
    labels = {**stored.labels, **manifest.labels}
    annotations = {**stored.annotations, **manifest.annotations}
    current = workspace_spec(stored)
    paths = [
        part
        for part in ("resource", "inference", "tuning")
        if getattr(current, part) != getattr(manifest.spec, part)
    ]
    paths += ["labels"] if labels != dict(stored.labels) else []
    paths += ["annotations"] if annotations != dict(stored.annotations) else []
    if not paths:
        return None
    wanted.etag = stored.etag
    wanted.labels.update(labels)
    wanted.annotations.update(annotations)
    request = service.UpdateWorkspaceRequest(workspace=wanted, validate_only=dry_run)
    request.update_mask.paths.extend(paths)
    return request


def plan_request(manifest: Manifest) -> service.PlanWorkspaceRequest:
    return service.PlanWorkspaceRequest(
        parent=manifest.parent, workspace_id=manifest.ref.name, workspace=manifest.message
    )
