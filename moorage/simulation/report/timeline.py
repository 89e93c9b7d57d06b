"""A history as lanes over time: where each workspace stood, what struck it, who was up."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from moorage.simulation.fault_kinds import meaning
from simulator.checkers.property import Violation
from simulator.checkers.reading import phase, status
from simulator.history import Asked, Commit, Defect, History, Milestone, Started, Struck
from simulator.kubernetes.objects import ChangeType

HEALED, OVER = "healed", "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of a lane; ``kind`` is a phase, or what a process was doing."""

    begin: float
    end: float
    kind: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """An instant in a lane; ``kind`` is "fault", "user", "defect" or "violation"."""

    at: float
    kind: str
    note: str


@dataclass(slots=True, kw_only=True)
class Lane:
    name: str
    spans: list[Span] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """``healed`` is when faults ended, ``end`` where they never did.

    Of the workspaces, those with a violation come first.
    """

    end: float
    healed: float
    workspaces: tuple[Lane, ...]
    processes: tuple[Lane, ...]
    faults: Lane


def timeline(history: History, violations: Sequence[Violation] = ()) -> Timeline:
    end = max((record.at for record in history.records), default=0.0)
    lanes = _workspaces(history, end).values()
    for lane in lanes:
        lane.marks += [_violation(it) for it in violations if _about(lane.name, it.subject)]
    return Timeline(
        end=end,
        healed=min((it.at for it in _milestones(history) if it.name == HEALED), default=end),
        workspaces=tuple(sorted(lanes, key=lambda lane: not _concerned(lane))),
        processes=tuple(_processes(history, end).values()),
        faults=Lane(name="faults", marks=[_fault(it) for it in _struck(history)]),
    )


def _concerned(lane: Lane) -> bool:
    return any(mark.kind == "violation" for mark in lane.marks)


def _violation(violation: Violation) -> Mark:
    note = f"{violation.property} at {violation.at:.1f} s: {' and yet '.join(violation.facts)}"
    return Mark(at=violation.at, kind="violation", note=note)


def _milestones(history: History) -> Iterator[Milestone]:
    return (record for record in history.records if isinstance(record, Milestone))


def _struck(history: History) -> Iterator[Struck]:
    return (record for record in history.records if isinstance(record, Struck))


def _fault(struck: Struck) -> Mark:
    told = f"{struck.code} at {struck.at:.1f} s: {meaning(struck.code)}"
    return Mark(at=struck.at, kind="fault", note=f"{told} [{struck.target}]")


def _workspaces(history: History, end: float) -> dict[str, Lane]:
    lanes: dict[str, Lane] = {}
    for record in history.records:
        match record:
            case Commit() if record.now["kind"] == "Workspace":
                name = record.now["metadata"]["name"]
                _stand(lanes.setdefault(name, Lane(name=name)), record)
            case Asked() if record.workspace:
                lane = lanes.setdefault(record.workspace, Lane(name=record.workspace))
                note = f"a user's {record.what} at {record.at:.1f} s"
                lane.marks.append(Mark(at=record.at, kind="user", note=note))
    for lane in lanes.values():
        _close(lane, end)
        lane.marks += [_fault(it) for it in _struck(history) if _about(lane.name, it.target)]
    return lanes


def _about(workspace: str, text: str) -> bool:
    """Whether it names the workspace, alone or with its namespace, or one of its pods."""
    own = re.compile(rf"{re.escape(workspace)}(-\d+)?")
    return any(own.fullmatch(word) for word in text.replace("/", " ").split())


def _stand(lane: Lane, commit: Commit) -> None:
    """Takes in one commit of the workspace; an open span ends at infinity."""
    here = phase(commit.now)
    if commit.type is ChangeType.DELETED:
        _close(lane, commit.at)
    elif commit.before is None or phase(commit.before) != here:
        _close(lane, commit.at)
        told = status(commit.now)
        why = f": {told['message']} [{told.get('reason', '')}]" if told.get("message") else ""
        note = f"{here} since {commit.at:.1f} s{why}"
        lane.spans.append(Span(begin=commit.at, end=float("inf"), kind=here, note=note))


def _processes(history: History, end: float) -> dict[str, Lane]:
    lanes: dict[str, Lane] = {}
    for record in history.records:
        if isinstance(record, Started):
            lane = lanes.setdefault(record.process, Lane(name=record.process))
            _close(lane, record.at)
            kind = {"started": "up", "resumed": "up", "paused": "paused"}.get(record.what, "down")
            note = f"{record.process} {record.what} at {record.at:.1f} s"
            lane.spans.append(Span(begin=record.at, end=float("inf"), kind=kind, note=note))
        elif isinstance(record, Defect) and record.actor in lanes:
            lanes[record.actor].marks.append(Mark(at=record.at, kind="defect", note=record.what))
    for lane in lanes.values():
        _close(lane, end)
    return lanes


def _close(lane: Lane, at: float) -> None:
    if lane.spans and lane.spans[-1].end > at:
        lane.spans[-1] = replace(lane.spans[-1], end=at)
