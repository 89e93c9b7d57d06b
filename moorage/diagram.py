"""The phases of what has a machine, as Mermaid diagrams, drawn from the tables that decide them.

``transitions`` can draw one itself, but draws each row apart: ten arrows into Deleting. Here, what
is possible in every other phase is drawn once, around them all, and rows between the same two
phases share an arrow.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from engine import deadlines, lifecycle, phase
from engine.nodes import deadlines as node_deadlines
from engine.nodes import lifecycle as node_lifecycle
from engine.nodes import phase as node_phase
from engine.table import Row
from engine.trigger import Trigger
from moorage.made_section import with_section


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """The tables of one machine; its phases are in their order, the first one first."""

    phases: Sequence[StrEnum]
    rows: Sequence[Row[Any, Any, Any]]
    resting: AbstractSet[StrEnum]
    patience: Mapping[Any, deadlines.Patience[Any]]


WORKSPACE = Lifecycle(
    phases=tuple(phase.Phase),
    rows=lifecycle.TRANSITIONS,
    resting=phase.RESTING,
    patience=deadlines.PATIENCE,
)
NODE_CLAIM = Lifecycle(
    phases=tuple(node_phase.NodePhase),
    rows=node_lifecycle.TRANSITIONS,
    resting=node_phase.RESTING,
    patience=node_deadlines.NODE_PATIENCE,
)
LIFECYCLES = {"workspace": WORKSPACE, "node-claim": NODE_CLAIM}


def phase_diagram(of: Lifecycle = WORKSPACE) -> str:
    moves = _moves(of)
    anywhere = _possible_anywhere(of, moves)
    ending = {later for _, to in anywhere for later in _reached(to, moves)}
    inside = [move for move in moves if move.destination not in ending]
    outside = [move for move in moves if move.source in ending]
    lines = ["stateDiagram-v2", '    state "every other phase" as living {', "        direction LR"]
    lines += [f"        [*] --> {of.phases[0]}"]
    lines += [f"        {arrow}" for arrow in _arrows(inside)]
    lines += ["    }"]
    lines += [f"    living --> {to}: {why}" for why, to in sorted(anywhere)]
    lines += [f"    {arrow}" for arrow in _arrows(outside)]
    last = ending - {move.source for move in outside}
    lines += [f"    {end} --> [*]: everything is released" for end in sorted(last)]
    lines += ["    classDef rest stroke-width:3px"]
    lines += [f"    class {','.join(sorted(of.resting))} rest"]
    return "\n".join(lines)


def phase_limits(of: Lifecycle = WORKSPACE) -> str:
    """How long each phase may wait, as a Markdown table."""
    lines = ["| phase | waits at most | and then its reason is |", "|---|---|---|"]
    for one in of.phases:
        patience = of.patience.get(one)
        limit = "rests" if patience is None else f"{patience.limit.total_seconds() / 60:g} min"
        lines.append(f"| {one} | {limit} | {patience.exhausted if patience else ''} |")
    return "\n".join(lines)


def refreshed(document: str) -> str:
    """The document with every lifecycle's diagram and limits in the section of its name.

    Raises ValueError where the markers are missing.
    """
    for name, of in LIFECYCLES.items():
        made = f"```mermaid\n{phase_diagram(of)}\n```\n\n{phase_limits(of)}"
        document = with_section(document, f"phases of a {name}", made)
    return document


class _Move(NamedTuple):
    source: StrEnum
    destination: StrEnum
    why: str


def _moves(of: Lifecycle) -> list[_Move]:
    return [
        _Move(row.source, row.destination, _why(row))
        for row in of.rows
        if row.destination is not None
    ]


def _why(row: Row[Any, Any, Any]) -> str:
    """A guard's name is its meaning; a command without one is named for itself."""
    guard = row.guard.__name__.replace("_", " ") if row.guard is not None else ""
    command = "" if row.trigger is Trigger.OBSERVE else row.trigger.value
    return ", ".join(part for part in (command, guard) if part)


def _possible_anywhere(of: Lifecycle, moves: Iterable[_Move]) -> set[tuple[str, StrEnum]]:
    """The reasons for the way out, and where it begins, that every phase before it has."""
    sources: dict[tuple[str, StrEnum], set[StrEnum]] = {}
    for move in moves:
        sources.setdefault((move.why, move.destination), set()).add(move.source)
    way_out = {to: _reached(to, moves) for _, to in sources}
    return {
        (why, to)
        for (why, to), found in sources.items()
        if way_out[to].isdisjoint(of.resting) and found == set(of.phases) - way_out[to]
    }


def _reached(start: StrEnum, moves: Iterable[_Move]) -> set[StrEnum]:
    found, onward = set[StrEnum](), {start}
    while onward:
        found |= onward
        onward = {move.destination for move in moves if move.source in onward} - found
    return found


def _arrows(moves: Iterable[_Move]) -> list[str]:
    reasons: dict[tuple[StrEnum, StrEnum], list[str]] = {}
    for move in moves:
        reasons.setdefault((move.source, move.destination), []).append(move.why)
    return [f"{source} --> {to}: {' / '.join(whys)}" for (source, to), whys in reasons.items()]
