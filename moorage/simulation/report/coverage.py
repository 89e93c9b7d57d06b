"""What runs have reached of all there is, and what they never did."""

from dataclasses import dataclass

from engine.lifecycle import TRANSITIONS
from moorage.simulation.fault_kinds import FAULT_KINDS
from moorage.simulation.outcome import Counts, Triple

Move = tuple[str, str]

MOVES: tuple[Move, ...] = tuple(
    dict.fromkeys(
        (row.source.value, row.destination.value)
        for row in TRANSITIONS
        if row.destination is not None
    )
)
"""Every passage that the table allows, once."""

TRIPLES: frozenset[Triple] = frozenset(
    (source, destination, code) for source, destination in MOVES for code in ("", *FAULT_KINDS)
)
"""Every passage after every kind of fault, and after none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """``triples`` of ``all_triples`` were reached; the others are what was not."""

    untaken: tuple[Move, ...]
    unstruck: tuple[str, ...]
    triples: int
    all_triples: int = len(TRIPLES)
    all_moves: int = len(MOVES)
    all_faults: int = len(FAULT_KINDS)


def coverage(counts: Counts) -> Coverage:
    return Coverage(
        untaken=tuple(move for move in MOVES if not counts.transitions[move]),
        unstruck=tuple(code for code in FAULT_KINDS if not counts.faults[code]),
        triples=len(TRIPLES & counts.triples.keys()),
    )
