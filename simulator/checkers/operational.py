"""O: what operators see agrees with what is."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from simulator.checkers.case import Case, Life, asked_for
from simulator.checkers.property import Breach
from simulator.checkers.reading import claim_names, is_engine, name, phase, status, uid
from simulator.history import Commit, Defect, History, Place
from simulator.kubernetes.objects import ChangeType
from simulator.kubernetes.status import Object

EVENTS_PER_HOUR = 150
HOUR = 3600.0
_STEADY = frozenset({"Ready", "Failed"})


def d1_nothing_unhandled(_: Case, defect: Defect) -> Iterator[Breach]:
    yield Breach(defect.actor, "every exception is handled", defect.what)


class FewEvents:
    """O1. Counts Events by the object they are about, and hour."""

    def __init__(self) -> None:
        self._told: Counter[tuple[str, int]] = Counter()

    def __call__(self, _: Case, commit: Commit) -> Iterator[Breach]:
        if commit.type is not ChangeType.ADDED or not is_engine(commit.actor):
            return
        about = commit.now.get("involvedObject") or {}
        subject, hour = f"{about.get('kind')} {about.get('name')}", int(commit.at // HOUR)
        self._told[subject, hour] += 1
        if self._told[subject, hour] == EVENTS_PER_HOUR + 1:
            yield Breach(
                subject, f"at most {EVENTS_PER_HOUR} Events an hour", f"more came in hour {hour}"
            )


def o2_record_and_cluster_agree(case: Case) -> Iterator[Breach]:
    for life in case.present():
        for kind in ("NodeClaim", "StatefulSet"):
            for obj in life.of(kind):
                if uid(obj) in case.made_by_engines and not asked_for(life, obj):
                    yield Breach(life.ref, "what is made was asked for", f"not {kind} {name(obj)}")
        yield from _unmade(life)


def _unmade(life: Life) -> Iterator[Breach]:
    if phase(life.workspace) != "Ready":
        return
    attempt = status(life.workspace).get("attempt", 1)
    missing = set(claim_names(life.workspace)) - {name(one) for one in life.of("NodeClaim")}
    for claim in sorted(missing):
        yield Breach(life.ref, f"attempt {attempt} asks for NodeClaim {claim}", "there is none")


def o3_replay_reproduces(case: Case) -> Iterator[Breach]:
    objects = _replayed(case.history)
    for place in sorted(objects.keys() | case.history.objects.keys()):
        if objects.get(place) != case.history.objects.get(place):
            yield Breach(" ".join(place), "its commits lead to one state", "it is in another")
    for life in case.present():
        yield from _broken_chain(life)


def _replayed(history: History) -> dict[Place, Object]:
    objects: dict[Place, Object] = {}
    for record in history.records:
        if not isinstance(record, Commit):
            continue
        if record.type is ChangeType.DELETED:
            objects.pop(record.place, None)
        else:
            objects[record.place] = record.now
    return objects


def _broken_chain(life: Life) -> Iterator[Breach]:
    """The passages that a workspace's own status tells of lead to where it stands."""
    told = status(life.workspace).get("history") or []
    for earlier, later in pairwise(told):
        if earlier["to"] != later["from"]:
            yield Breach(
                life.ref, f"it came to {earlier['to']}", f"it then left from {later['from']}"
            )
    if told and told[-1]["to"] != phase(life.workspace):
        yield Breach(
            life.ref, f"its history leads to {told[-1]['to']}", f"it is in {phase(life.workspace)}"
        )


def o4_nodes_as_told(case: Case) -> Iterator[Breach]:
    for life in case.present():
        if phase(life.workspace) not in _STEADY or life.deletion is not None:
            continue
        told = sorted(status(life.workspace).get("workerNodes") or ())
        nodes = sorted(name(node) for node in life.of("Node"))
        if told != nodes:
            yield Breach(life.ref, f"its status tells of the nodes {told}", f"it has {nodes}")
