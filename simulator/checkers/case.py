"""What a history tells so far, workspace by workspace: what checks reason about.

Everything here is kept up record by record, at a cost that does not grow with the history.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from simulator.checkers.quiet import Quiet
from simulator.checkers.reading import (
    REVISION_ANNOTATION,
    annotation,
    begins_deletion,
    changes_status,
    claim_names,
    drops_finalizer,
    generation,
    holds_finalizer,
    is_deleting,
    is_engine,
    owner_uid,
    owners,
    phase,
    ref,
    says_ready,
    status,
    uid,
)
from simulator.checkers.serving import restarts, unserved
from simulator.history import Asked, Commit, History, Milestone, Place, Record, Rpc, Struck
from simulator.kubernetes.objects import ChangeType
from simulator.kubernetes.status import Object

OWNED = frozenset({"NodeClaim", "Node", "StatefulSet", "Pod", "Service"})
ASKED_FOR = frozenset({"NodeClaim", "StatefulSet", "Service"})
"""What an engine makes itself; the cluster makes nodes and pods of it."""

CLAIMING = frozenset({"Provisioning", "Deploying", "Loading", "Ready", "Degraded", "Updating"})
"""The phases that may ask for node claims and services."""

SHAPING = CLAIMING - {"Provisioning"}
"""The phases that may make or change the workload."""
SILENCE = "SILENT"
"""The fault that only a question to the model shows; it names the pod."""


@dataclass(slots=True)
class Span:
    """When something was so: ``until`` None while it still is."""

    since: float
    until: float | None = None

    def within(self, seconds: float, at: float) -> bool:
        """Whether it was so at most so long before ``at``."""
        return self.until is None or at - self.until <= seconds


@dataclass(slots=True)
class Life:
    """One incarnation of a workspace, from its first commit to its last.

    ``workspace`` is its latest state, also when it is gone. ``claims``, ``revisions`` and
    ``services`` are what a stored phase has asked for so far. ``stripped``: somebody else took our
    finalizer off. ``failed`` and ``silent`` say when its status last said so, and
    ``unserving`` since when it truly does not serve, and for want of what.
    ``silenced`` are pods whose model fell silent, with their restarts until then; ``released`` is
    when the last of a kind was given up to its deletion; ``came`` when others made an object of it;
    ``taken`` when something it asked for last went, or was changed by others; ``revised`` when its
    stored revision last changed.
    """

    workspace: Object
    born: float
    died: float | None = None
    finalizer_held: bool = False
    stripped: bool = False
    changed: float = field(init=False)
    phase_since: float = field(init=False)
    phase_before_since: float = field(init=False)
    deletion: float | None = None
    deletion_recorded: float | None = None
    failed: Span | None = None
    silent: Span | None = None
    claims: set[str] = field(default_factory=set)
    revisions: set[str] = field(default_factory=set)
    services: bool = False
    owned: dict[str, Object] = field(default_factory=dict)
    silenced: dict[str, int] = field(default_factory=dict)
    released: dict[str, float] = field(default_factory=dict)
    came: dict[str, tuple[float, str]] = field(default_factory=dict)
    """When each object came, and by whom."""
    taken: float = 0.0
    revised: float = 0.0
    unserving: tuple[float, str] | None = field(init=False)
    serving_since: float | None = None

    def __post_init__(self) -> None:
        self.changed = self.phase_since = self.phase_before_since = self.born
        self.unserving = (self.born, "nothing was made for it yet")

    @property
    def uid(self) -> str:
        return uid(self.workspace)

    @property
    def ref(self) -> str:
        return ref(self.workspace)

    def of(self, kind: str) -> Iterator[Object]:
        """Its present objects of a kind."""
        return (obj for obj in self.owned.values() if obj["kind"] == kind)


class Case:
    """The history under judgement, and what it comes to so far."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.now = 0.0
        self.healed: float | None = None
        self.users_last = 0.0
        self.quiet = Quiet()
        self.lives: dict[str, Life] = {}
        self.made_by_engines: set[str] = set()
        self._present: dict[tuple[str, str], Life] = {}
        self._made_for: dict[str, str] = {}
        """The workspace's uid, by that of each object that was made for it."""

    def note(self, record: Record) -> None:
        """Brings the case up to a record; the history holds it already."""
        self.now = max(self.now, record.at)
        if isinstance(record, Commit):
            self._note_commit(record)
            return
        if isinstance(record, Asked | Rpc):
            self.users_last = record.at
        self.quiet.note(record)
        if isinstance(record, Milestone) and record.name == "healed":
            self.healed = record.at
        if isinstance(record, Struck) and record.code == SILENCE:
            self._note_silence(record)

    def present(self) -> list[Life]:
        """The workspaces that exist, in the order in which they were made."""
        return list(self._present.values())

    def at(self, place: Place) -> Life | None:
        """The workspace that stands at a place now."""
        return self._present.get((place[1], place[2]))

    def life_of(self, obj: Object) -> Life | None:
        """The workspace that an object was made for, whether it still exists or not.

        Pods and nodes name only what they were made of: a StatefulSet, a node claim.
        """
        owner = owner_uid(obj)
        if not owner:
            makers = (self._made_for.get(maker["uid"], "") for maker in owners(obj))
            owner = next(filter(None, makers), "")
        return self.lives.get(owner)

    def _note_commit(self, commit: Commit) -> None:
        kind = commit.now["kind"]
        if kind == "Workspace":
            self._note_workspace(commit)
        elif kind in OWNED:
            self._note_owned(commit)

    def _note_owned(self, commit: Commit) -> None:
        obj = commit.now
        if is_engine(commit.actor) and commit.type is ChangeType.ADDED:
            self.made_by_engines.add(uid(obj))
        life = self.life_of(obj)
        if life is None:
            return
        self._made_for[uid(obj)] = life.uid
        if commit.type is ChangeType.ADDED:
            life.came[uid(obj)] = (commit.at, commit.actor)
        if life.deletion_recorded is not None and begins_deletion(commit):
            life.released[obj["kind"]] = commit.at
        if commit.type is ChangeType.DELETED:
            life.owned.pop(uid(obj), None)
            life.taken = commit.at
        else:
            life.owned[uid(obj)] = obj
            if _changed_by_others(commit):
                life.taken = commit.at
        self._weigh(life, commit.at)

    def _note_silence(self, struck: Struck) -> None:
        for life in self.present():
            for pod in life.of("Pod"):
                if pod["metadata"]["name"] == struck.target:
                    life.silenced[uid(pod)] = restarts(pod)
                    self._weigh(life, struck.at)

    def _note_workspace(self, commit: Commit) -> None:
        workspace, place = commit.now, commit.place[1:]
        life = self.lives.get(uid(workspace))
        if life is None:
            life = self.lives[uid(workspace)] = Life(workspace, commit.at)
        before, life.workspace = life.workspace, workspace
        life.finalizer_held = life.finalizer_held or holds_finalizer(workspace)
        life.stripped = life.stripped or (drops_finalizer(commit) and not is_engine(commit.actor))
        if generation(workspace) != generation(before):
            life.changed = commit.at
        if life.deletion is None and is_deleting(workspace):
            life.deletion = commit.at
        if commit.type is ChangeType.DELETED:
            life.died = commit.at
            self._present.pop(place, None)
            return
        self._present[place] = life
        if commit.before is None or changes_status(commit):
            self._note_status(life, before, commit.at)

    def _note_status(self, life: Life, before: Object, at: float) -> None:
        told, stands = status(life.workspace), phase(life.workspace)
        if stands != phase(before):
            life.phase_before_since, life.phase_since = life.phase_since, at
        if stands == "Deleting" and life.deletion_recorded is None:
            life.deletion_recorded = at
        life.failed = _span(life.failed, so=stands == "Failed", at=at)
        life.silent = _span(life.silent, so=bool(told.get("silentSince")), at=at)
        if stands in CLAIMING:
            life.services = True
            life.claims.update(claim_names(life.workspace))
        if stands in SHAPING:
            life.revisions.add(told.get("revision", ""))
        if told.get("revision") != status(before).get("revision"):
            life.revised = at
        if (told.get("plan"), told.get("revision")) != _shape(before) or says_ready(life.workspace):
            self._weigh(life, at)

    def _weigh(self, life: Life, at: float) -> None:
        missing = unserved(life.workspace, life.owned.values(), life.silenced)
        if missing:
            since = at if life.unserving is None else life.unserving[0]
            life.unserving, life.serving_since = (since, missing), None
        elif life.unserving is not None:
            life.unserving, life.serving_since = None, at


def asked_for(life: Life, obj: Object) -> bool:
    """Whether a stored phase of the workspace has asked for the object."""
    if obj["kind"] == "NodeClaim":
        return obj["metadata"]["name"] in life.claims
    if obj["kind"] == "StatefulSet":
        return annotation(obj, REVISION_ANNOTATION) in life.revisions
    return life.services


def _changed_by_others(commit: Commit) -> bool:
    return not is_engine(commit.actor) and generation(commit.now) != generation(
        commit.before or commit.now
    )


def _shape(workspace: Object) -> tuple[Object | None, str | None]:
    told = status(workspace)
    return told.get("plan"), told.get("revision")


def _span(span: Span | None, *, so: bool, at: float) -> Span | None:
    if so:
        return span if span is not None and span.until is None else Span(at)
    if span is not None and span.until is None:
        span.until = at
    return span
