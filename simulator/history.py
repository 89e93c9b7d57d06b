"""What happened in a run, record by record: what checkers judge and people read.

A history is abstract: the simulation writes one as it goes, and one can be put together from a real
cluster's objects and Events. Times are seconds since its beginning.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.kubernetes.objects import ChangeType
from simulator.kubernetes.status import Object

Place = tuple[str, str, str]
"""Kind, namespace ("" where the kind has none), name."""

WORKSPACE_LABEL = "kaito.sh/workspace"
NAMESPACE_LABEL = "kaito.sh/workspacenamespace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A change of one object; of a deleted one, ``now`` is its last state.

    ``actor`` is the process whose request it was: "engine-1", "api-1", "user", and "cluster" for
    the controllers, kubelets and the cloud.
    """

    at: float
    revision: int
    type: ChangeType
    actor: str
    now: Object
    before: Object | None

    @property
    def place(self) -> Place:
        return place_of(self.now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request to the Kubernetes API, once it is over; ``at`` is when it was sent.

    ``status`` is what the client was told, 0 where it never heard. ``carried_out`` is the server's
    own answer, 0 where the request never reached it: they differ under faults. ``revision`` is the
    cluster's at that instant. ``verb`` is get, list, watch, create, update, patch, apply or delete.
    ``retry_after`` is how many seconds the client was told to wait, 0 where it was not.
    """

    at: float
    until: float
    actor: str
    verb: str
    kind: str
    namespace: str
    name: str
    subresource: str
    target: str
    body: Object | None
    status: int
    reason: str
    carried_out: int
    revision: int
    retry_after: int = 0

    @property
    def writes(self) -> bool:
        return self.verb not in {"get", "list", "watch"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rpc:
    """A gRPC call as its client saw it: ``code`` is gRPC's, "UNKNOWN_OUTCOME" where none came."""

    at: float
    until: float
    client: str
    method: str
    request: Mapping[str, Any]
    response: Mapping[str, Any] | None
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamMessage:
    """One message of a Watch as its client saw it; ``stream`` tells streams apart.

    ``event`` is "opened" (with the cursor it resumes from), "snapshot", "changed", "removed",
    "synced", "progress", "resync" or "closed".
    """

    at: float
    client: str
    stream: int
    event: str
    name: str
    cursor: str
    workspace: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """A fault that took effect; ``element`` is its place in the plan."""

    at: float
    element: int
    code: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Something a user of the plan did, before its outcome is known."""

    at: float
    element: int
    what: str
    workspace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A process came up, or went: ``what`` is "started", "crashed", "paused" or "resumed"."""

    at: float
    process: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """An exception of ours that nobody handled."""

    at: float
    actor: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """``name`` is "healed" (faults off from here on) or "over"."""

    at: float
    name: str


Record = Commit | Call | Rpc | StreamMessage | Struck | Asked | Started | Defect | Milestone


@dataclass(slots=True)
class History:
    """``objects`` is the cluster as of the latest commit; ``dead`` what was deleted, by uid."""

    records: list[Record] = field(default_factory=list)
    objects: dict[Place, Object] = field(default_factory=dict)
    dead: dict[str, Object] = field(default_factory=dict)
    readers: list[Callable[[Record], None]] = field(default_factory=list)

    def add(self, record: Record) -> None:
        """Brings the objects up to the record, then tells every reader."""
        if isinstance(record, Commit):
            self._keep(record)
        self.records.append(record)
        for reader in self.readers:
            reader(record)

    def _keep(self, commit: Commit) -> None:
        if commit.type is ChangeType.DELETED:
            self.objects.pop(commit.place, None)
            self.dead[commit.now["metadata"]["uid"]] = commit.now
        else:
            self.objects[commit.place] = commit.now

    def revision_before(self, seconds: float) -> int:
        """The cluster's resource version so long before the latest record."""
        if not self.records:
            return 0
        then = self.records[-1].at - seconds
        commits = (one for one in reversed(self.records) if isinstance(one, Commit))
        return next((one.revision for one in commits if one.at <= then), 0)

    def of_kind(self, kind: str) -> Iterator[Object]:
        """The present objects of a kind, in the order in which they were made."""
        return (obj for place, obj in self.objects.items() if place[0] == kind)

    def owned(self, kind: str, workspace: Object) -> Iterator[Object]:
        """The present objects of a kind that bear the workspace's labels."""
        metadata = workspace["metadata"]
        ref = (metadata["namespace"], metadata["name"])
        return (obj for obj in self.of_kind(kind) if workspace_of(obj) == ref)


def place_of(obj: Object) -> Place:
    metadata = obj["metadata"]
    return obj["kind"], metadata.get("namespace", ""), metadata["name"]


def workspace_of(obj: Object) -> tuple[str, str] | None:
    """Namespace and name of the workspace that an object belongs to, or is."""
    metadata = obj["metadata"]
    if obj["kind"] == "Workspace":
        return metadata["namespace"], metadata["name"]
    labels = metadata.get("labels") or {}
    if WORKSPACE_LABEL not in labels:
        return None
    return labels.get(NAMESPACE_LABEL, ""), labels[WORKSPACE_LABEL]
