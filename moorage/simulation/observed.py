"""A history put together from what a cluster still knows: its objects, their own history, Events.

A cluster remembers less than a simulation records: no requests, nothing of what is gone, and of
most objects only how they are now. So there are several histories of the same cluster, each as
much as one kind of property can be judged on.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any

from simulator.checkers.reading import instant, owner_uid, phase, status, uid
from simulator.history import Commit, History, Milestone, workspace_of
from simulator.kubernetes.objects import ChangeType
from simulator.kubernetes.status import Object

ENGINE, CLUSTER, USER = "engine", "cluster", "user"
OURS = "moorage"
"""The source of our Events."""

MADE_BY_ENGINES = frozenset({"NodeClaim", "StatefulSet", "Service"})
SETTLED_SECONDS = 300.0
_KINDS = ("NodeClaim", "StatefulSet", "Service", "Node", "Pod")
"""Makers before what they make: creation times have whole seconds only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A cluster's objects as of ``at``: workspaces, what may be theirs, and the Events of both."""

    at: datetime
    workspaces: Sequence[Object]
    objects: Sequence[Object] = ()
    events: Sequence[Object] = ()

    def settled(self) -> "Cluster":
        """Only the workspaces that have been Ready for a while, and should be as they say."""
        return replace(self, workspaces=[it for it in self.workspaces if self._settled(it)])

    def _settled(self, workspace: Object) -> bool:
        if phase(workspace) != "Ready" or "deletionTimestamp" in workspace["metadata"]:
            return False
        told = status(workspace)
        since = (self.at - instant(told["phaseSince"])).total_seconds()
        current = told.get("observedGeneration") == workspace["metadata"].get("generation", 1)
        return since >= SETTLED_SECONDS and current


def present(cluster: Cluster) -> History:
    """How everything stands: each object made in its time, each workspace then as it is now."""
    clock = _Clock(cluster)
    departed = chain.from_iterable(_departed(clock, cluster))
    events = (_event(clock, event) for event in cluster.events)
    return _history(clock, [*_as_they_stand(clock, cluster), *departed, *events], [])


def at_rest(cluster: Cluster) -> History:
    """The settled workspaces alone, as if every fault were over: nothing is left to wait for."""
    clock = _Clock(cluster)
    healed = Milestone(at=clock.now, name="healed")
    return _history(clock, _as_they_stand(clock, cluster.settled()), [healed])


def remembered(cluster: Cluster) -> History:
    """The passages that the workspaces' own statuses tell of."""
    clock = _Clock(cluster)
    passages = chain.from_iterable(_passages(clock, it) for it in cluster.workspaces)
    return _history(clock, passages, [])


class _Clock:
    """Seconds since the oldest object was made."""

    def __init__(self, cluster: Cluster) -> None:
        created = [_created(it) for it in chain(cluster.workspaces, cluster.objects)]
        self._beginning = min([*created, cluster.at])
        self.now = self.at(cluster.at)

    def at(self, moment: datetime) -> float:
        return max(0.0, (moment - self._beginning).total_seconds())


def _history(clock: _Clock, commits: Iterable[Commit], milestones: Sequence[Milestone]) -> History:
    """In order of time, and of what made what where that is the same."""
    ordered = sorted(commits, key=lambda it: (it.at, _rank(it.now["kind"])))
    numbered = [replace(it, revision=number) for number, it in enumerate(ordered, start=1)]
    over = Milestone(at=max([clock.now, *(it.at for it in ordered)]), name="over")
    return History(records=[*numbered, *milestones, over])


def _rank(kind: str) -> int:
    if kind == "Workspace":
        return -1
    return _KINDS.index(kind) if kind in _KINDS else len(_KINDS)


def _as_they_stand(clock: _Clock, cluster: Cluster) -> list[Commit]:
    workspaces = chain.from_iterable(_standing(clock, it) for it in cluster.workspaces)
    return [*workspaces, *(_made(clock, obj) for obj in cluster.objects)]


def _standing(clock: _Clock, workspace: Object) -> Iterator[Commit]:
    """A workspace as it was made, and, where an engine has seen it, as it stands.

    It has its plan from the beginning: by that, what was made for it is judged.
    """
    told = status(workspace)
    metadata = {
        key: value for key, value in workspace["metadata"].items() if key != "deletionTimestamp"
    }
    shape = {key: told[key] for key in ("plan", "attempt") if key in told}
    first = {**workspace, "metadata": metadata, "status": shape}
    at = clock.at(_created(workspace))
    yield _commit(at, first, actor=USER)
    if told.get("phaseSince"):
        at = max(at, clock.at(instant(told["phaseSince"])))
    if told or "deletionTimestamp" in workspace["metadata"]:
        yield _commit(at, workspace, first, actor=ENGINE)


def _passages(clock: _Clock, workspace: Object) -> Iterator[Commit]:
    history: list[Any] = status(workspace).get("history") or []
    if not history:
        return
    before = _at_passage(workspace, history[0]["from"], [])
    yield _commit(clock.at(_created(workspace)), before, actor=USER)
    for count, passage in enumerate(history, start=1):
        now = _at_passage(workspace, passage["to"], history[:count])
        yield _commit(clock.at(instant(passage["at"])), now, before, actor=ENGINE)
        before = now
    last = {**workspace, "status": {**status(workspace)}}
    yield _commit(clock.now, last, before, actor=ENGINE)


def _at_passage(workspace: Object, stands: str, history: Sequence[Object]) -> Object:
    return {**workspace, "status": {"phase": stands, "history": list(history)}}


def _departed(clock: _Clock, cluster: Cluster) -> Iterator[list[Commit]]:
    """Workspaces that are gone while something of theirs is left.

    When they went is not known: not before the last Event about them, or they had any.
    """
    living = {uid(workspace) for workspace in cluster.workspaces}
    heard: dict[str, datetime] = {}
    for event in cluster.events:
        about = (event.get("involvedObject") or {}).get("uid", "")
        heard[about] = max(heard.get(about, _told_at(event)), _told_at(event))
    for obj in cluster.objects:
        owner, named = owner_uid(obj), workspace_of(obj)
        going = "deletionTimestamp" in obj["metadata"]
        if not owner or owner in living or named is None or going:
            continue
        living.add(owner)
        last = max(_created(obj), heard.get(owner, _created(obj)))
        gone = {
            "kind": "Workspace",
            "metadata": {"namespace": named[0], "name": named[1], "uid": owner},
        }
        begin, end = clock.at(_created(obj)), clock.at(last)
        yield [
            _commit(begin, gone, actor=USER),
            replace(_commit(end, gone, gone, actor=CLUSTER), type=ChangeType.DELETED),
        ]


def _made(clock: _Clock, obj: Object) -> Commit:
    """Ours are known by the workspace that they name; pods and nodes the cluster makes."""
    ours = obj["kind"] in MADE_BY_ENGINES and bool(owner_uid(obj))
    return _commit(clock.at(_created(obj)), obj, actor=ENGINE if ours else CLUSTER)


def _event(clock: _Clock, event: Object) -> Commit:
    ours = (event.get("source") or {}).get("component") == OURS
    return _commit(clock.at(_told_at(event)), event, actor=ENGINE if ours else CLUSTER)


def _commit(at: float, now: Object, before: Object | None = None, *, actor: str) -> Commit:
    kind = ChangeType.ADDED if before is None else ChangeType.MODIFIED
    return Commit(at=at, revision=0, type=kind, actor=actor, now=now, before=before)


def _created(obj: Object) -> datetime:
    return instant(obj["metadata"]["creationTimestamp"])


def _told_at(event: Object) -> datetime:
    """Newer Events have ``eventTime`` alone."""
    told = event.get("lastTimestamp") or event.get("eventTime")
    return instant(told) if told else _created(event)
