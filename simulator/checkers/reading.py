"""What raw objects say, read without the product's own adapters: pure functions.

Checkers must not repeat the mistakes of what they check, so they read the cluster's objects
themselves.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from engine.action import node_claim_names
from engine.offerings import choose
from engine.workspace import (
    FINALIZER,
    Adapter,
    DataSource,
    Inference,
    MachineState,
    Plan,
    PresetChoice,
    Resource,
    Workspace,
    WorkspaceRef,
    WorkspaceSpec,
)
from simulator.history import Commit
from simulator.kubernetes.objects import ChangeType
from simulator.kubernetes.status import Object

OWNER_UID_LABEL = "moorage.sh/workspace-uid"
REVISION_ANNOTATION = "workspace.kaito.io/revision"
OURS = ("moorage.sh/", "kaito.sh/", "workspace.kaito.io/")
"""Prefixes of the labels and annotations that Moorage may change where it finds them."""

GPU = "nvidia.com/gpu"
_ANY_INSTANT = datetime(2026, 1, 1, tzinfo=UTC)


def is_engine(actor: str) -> bool:
    return actor.startswith("engine")


def is_api(actor: str) -> bool:
    return actor.startswith("api")


def uid(obj: Object) -> str:
    return str(obj["metadata"].get("uid", ""))


def name(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def ref(obj: Object) -> str:
    metadata = obj["metadata"]
    return f"{metadata.get('namespace', '')}/{metadata['name']}".lstrip("/")


def version(obj: Object) -> str:
    return str(obj["metadata"].get("resourceVersion", ""))


def generation(obj: Object) -> int:
    return int(obj["metadata"].get("generation", 1))


def status(obj: Object) -> Object:
    return obj.get("status") or {}


def phase(workspace: Object) -> str:
    """A workspace that no engine has written yet is Pending."""
    return str(status(workspace).get("phase") or "Pending")


def is_deleting(obj: Object) -> bool:
    return "deletionTimestamp" in obj["metadata"]


def finalizers(obj: Object) -> list[str]:
    return obj["metadata"].get("finalizers") or []


def holds_finalizer(workspace: Object) -> bool:
    return FINALIZER in finalizers(workspace)


def annotation(obj: Object, key: str) -> str:
    return str((obj["metadata"].get("annotations") or {}).get(key, ""))


def pod_template(workload: Object) -> Object:
    template: Object = workload["spec"].get("template") or {}
    return template


def rolled_out(workload: Object) -> str:
    """The revision that its pods are made at, whatever its own annotation says."""
    template = pod_template(workload)
    marks = (template.get("metadata") or {}).get("annotations") or {}
    return str(marks.get(REVISION_ANNOTATION, "")) or annotation(workload, REVISION_ANNOTATION)


def owners(obj: Object) -> list[Object]:
    return obj["metadata"].get("ownerReferences") or []


def controllers(obj: Object) -> list[Object]:
    return [owner for owner in owners(obj) if owner.get("controller")]


def owner_uid(obj: Object) -> str:
    """The workspace that an object says it was made for, "" where it says none."""
    for owner in owners(obj):
        if owner["kind"] == "Workspace":
            return str(owner["uid"])
    labels = obj["metadata"].get("labels") or {}
    return str(labels.get(OWNER_UID_LABEL, ""))


def condition(obj: Object, kind: str) -> Object | None:
    found = (c for c in status(obj).get("conditions") or () if c["type"] == kind)
    return next(found, None)


def is_true(obj: Object, kind: str) -> bool:
    found = condition(obj, kind)
    return found is not None and found["status"] == "True"


def says_ready(workspace: Object | None) -> bool:
    return workspace is not None and is_true(workspace, "WorkspaceReady")


def planned_nodes(workspace: Object) -> int:
    """How many nodes its stored plan asks for, 0 without one."""
    return int((status(workspace).get("plan") or {}).get("nodeCount", 0))


def claim_names(workspace: Object) -> tuple[str, ...]:
    """The names of the node claims that the stored status asks for."""
    metadata, told = workspace["metadata"], status(workspace)
    return _claim_names(
        WorkspaceRef(namespace=metadata["namespace"], name=metadata["name"]),
        uid=uid(workspace),
        nodes=planned_nodes(workspace),
        attempt=told.get("attempt", 1),
        candidate=told.get("candidate", 0),
        own_nodes=tuple(told.get("ownNodes") or ()),
        replacements=tuple(told.get("replacements") or ()),
    )


@lru_cache(maxsize=4096)
def _claim_names(
    ref: WorkspaceRef,
    *,
    uid: str,
    nodes: int,
    attempt: int,
    candidate: int,
    own_nodes: tuple[str, ...],
    replacements: tuple[int, ...],
) -> tuple[str, ...]:
    made = Plan(preset="", instance_type="", node_count=nodes, gpus_per_node=0, disk_gib=0, why="")
    stored = Workspace(
        ref=ref,
        uid=uid,
        resource_version="",
        generation=1,
        created=_ANY_INSTANT,
        spec=WorkspaceSpec(resource=Resource(instance_type="")),
        machine=MachineState(
            since=_ANY_INSTANT,
            attempt=attempt,
            candidate=candidate,
            own_nodes=own_nodes,
            replacements=replacements,
        ),
    )
    return node_claim_names(stored, made)


def can_be_served(workspace: Object) -> bool:
    """Whether the spec, as written, can be planned at all."""
    return choose(spec_of(workspace)) is not None


def accepted(workspace: Object) -> list[tuple[str, str]]:
    """Instance type and capacity type of all that the user accepts, in the user's order."""
    resource = spec_of(workspace).resource
    return [
        (instance_type, capacity_type)
        for instance_type in (resource.instance_type, *resource.fallback_instance_types)
        for capacity_type in resource.capacity_types or ("on-demand",)
    ]


def spec_of(workspace: Object) -> WorkspaceSpec:
    """As much of it as decides what is made."""
    inference = workspace.get("inference")
    preset = (inference or {}).get("preset")
    return WorkspaceSpec(
        resource=Resource(
            instance_type=(workspace.get("resource") or {}).get("instanceType", ""),
            fallback_instance_types=_listed(workspace, "moorage.sh/fallback-instance-types"),
            capacity_types=_listed(workspace, "moorage.sh/capacity-types"),
        ),
        inference=None
        if inference is None
        else Inference(
            preset=None if preset is None else PresetChoice(name=preset.get("name", "")),
            adapters=tuple(_adapter(item) for item in inference.get("adapters") or ()),
        ),
    )


def _listed(workspace: Object, key: str) -> tuple[str, ...]:
    return tuple(filter(None, map(str.strip, annotation(workspace, key).split(","))))


def _adapter(item: Object) -> Adapter:
    source = item.get("source") or {}
    return Adapter(source=DataSource(name=source.get("name", ""), image=source.get("image", "")))


def patience(workspace: Object) -> timedelta | None:
    """How long the present phase may last, by the engine's own clock; None where it rests."""
    told = status(workspace)
    if not told.get("deadline") or not told.get("phaseSince"):
        return None
    return instant(told["deadline"]) - instant(told["phaseSince"])


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def changes_status(commit: Commit) -> bool:
    return commit.before is not None and status(commit.now) != status(commit.before)


def begins_deletion(commit: Commit) -> bool:
    """The commit takes the object away, or is the request to."""
    if commit.before is not None and is_deleting(commit.before):
        return False
    return commit.type is ChangeType.DELETED or is_deleting(commit.now)


def drops_finalizer(commit: Commit) -> bool:
    """Our finalizer was held before the commit, and is not after it."""
    if commit.before is None or not holds_finalizer(commit.before):
        return False
    return commit.type is ChangeType.DELETED or not holds_finalizer(commit.now)


def foreign(entries: Mapping[str, Any] | None) -> Iterator[tuple[str, Any]]:
    """The labels or annotations that are not Moorage's own."""
    return ((key, value) for key, value in (entries or {}).items() if not key.startswith(OURS))
