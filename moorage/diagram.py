"""The workspace's phases as a Mermaid diagram, drawn from the table that decides them.

``transitions`` can draw one itself, but draws each row apart: ten arrows into Deleting. Here, what
is possible in every other phase is drawn once, around them all, and rows between the same two
phases share an arrow.
"""

from collections.abc import Iterable, Sequence

from engine.deadlines import PATIENCE
from engine.lifecycle import TRANSITIONS, Transition
from engine.phase import RESTING, Phase
from engine.trigger import Trigger
from moorage.made_section import with_section

SECTION = "phases"


def phase_diagram(table: Sequence[Transition] = TRANSITIONS) -> str:
    moves = [row for row in table if row.destination is not None]
    anywhere = _possible_anywhere(moves)
    lines = ["stateDiagram-v2", '    state "every other phase" as living {', "        direction LR"]
    lines += [f"        [*] --> {next(iter(Phase))}"]
    lines += [f"        {arrow}" for arrow in _arrows(moves, anywhere)]
    lines += ["    }"]
    lines += [f"    living --> {to}: {why}" for why, to in sorted(anywhere)]
    lines += [
        f"    {to} --> [*]: everything is released" for to in sorted({to for _, to in anywhere})
    ]
    lines += ["    classDef rest stroke-width:3px", f"    class {','.join(sorted(RESTING))} rest"]
    return "\n".join(lines)


def phase_limits() -> str:
    """How long each phase may wait, as a Markdown table."""
    lines = ["| phase | waits at most | and then its reason is |", "|---|---|---|"]
    for phase in Phase:
        patience = PATIENCE.get(phase)
        limit = "rests" if patience is None else f"{patience.limit.total_seconds() / 60:g} min"
        lines.append(f"| {phase} | {limit} | {patience.exhausted if patience else ''} |")
    return "\n".join(lines)


def refreshed(document: str) -> str:
    """The document with diagram and limits between its markers.

    Raises ValueError where the markers are missing.
    """
    made = f"```mermaid\n{phase_diagram()}\n```\n\n{phase_limits()}"
    return with_section(document, SECTION, made)


def _why(row: Transition) -> str:
    """A guard's name is its meaning; a command without one is named for itself."""
    guard = row.guard.__name__.replace("_", " ") if row.guard is not None else ""
    command = "" if row.trigger is Trigger.OBSERVE else row.trigger.value
    return ", ".join(part for part in (command, guard) if part)


def _possible_anywhere(moves: Iterable[Transition]) -> set[tuple[str, Phase]]:
    """The reasons and destinations that every phase but the destination has."""
    sources: dict[tuple[str, Phase], set[Phase]] = {}
    for row in moves:
        if row.destination is not None:
            sources.setdefault((_why(row), row.destination), set()).add(row.source)
    return {(why, to) for (why, to), found in sources.items() if found == set(Phase) - {to}}


def _arrows(moves: Iterable[Transition], anywhere: set[tuple[str, Phase]]) -> list[str]:
    reasons: dict[tuple[Phase, Phase], list[str]] = {}
    around = {to for _, to in anywhere}
    for row in moves:
        if row.destination is not None and row.destination not in around:
            reasons.setdefault((row.source, row.destination), []).append(_why(row))
    return [f"{source} --> {to}: {' / '.join(whys)}" for (source, to), whys in reasons.items()]
