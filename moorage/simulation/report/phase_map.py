"""The phases as a map: each where a person looks for it, every passage with how often it was taken.

Failed and Deleting lie along the whole map, since nearly every phase leads to both.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from engine.phase import Phase
from moorage.simulation.outcome import Counts
from moorage.simulation.report.coverage import MOVES, Move

COLUMN, BOX_WIDTH, BOX_HEIGHT = 140.0, 108.0, 44.0
WIDTH, HEIGHT = 1060.0, 470.0
TOP, MAIN, LOWER, BOTTOM = 40.0, 190.0, 310.0, 430.0
LEFT = 75.0
BARS = {Phase.DELETING: TOP, Phase.FAILED: BOTTOM}
PLACES: Mapping[Phase, tuple[float, float]] = {
    Phase.PENDING: (0, MAIN),
    Phase.PLANNING: (1, MAIN),
    Phase.PROVISIONING: (2, MAIN),
    Phase.DEPLOYING: (3, MAIN),
    Phase.LOADING: (4, MAIN),
    Phase.READY: (5, MAIN),
    Phase.UPDATING: (5.75, LOWER),
    Phase.DEGRADED: (6.5, MAIN),
}
"""Column and height; the map's only layout, so a new phase needs a place here."""
NEAR = 1.5
"""Columns apart, as far as nothing lies between."""
ASIDE = 9.0
"""How far apart the two directions between the same phases run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Its centre and size; ``shade`` from 0 (never) to 1 (most visited)."""

    phase: str
    x: float
    y: float
    width: float
    height: float
    visits: int
    shade: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrow:
    """``path`` is an SVG path; ``x`` and ``y`` are where its count stands."""

    source: str
    destination: str
    taken: int
    path: str
    x: float
    y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseMap:
    width: float
    height: float
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def phase_map(counts: Counts) -> PhaseMap:
    visits = {phase: _visits(counts, phase) for phase in Phase}
    most = max(visits.values(), default=0) or 1
    return PhaseMap(
        width=WIDTH,
        height=HEIGHT,
        boxes=tuple(_box(phase, visits[phase], most) for phase in Phase),
        arrows=tuple(_arrow(move, counts.transitions[move]) for move in MOVES),
    )


def _visits(counts: Counts, phase: Phase) -> int:
    """Arrivals; the first phase has none, so there departures count."""
    arrivals = sum(n for (_, to), n in counts.transitions.items() if to == phase)
    departures = sum(n for (source, _), n in counts.transitions.items() if source == phase)
    return max(arrivals, departures)


def _box(phase: Phase, visits: int, most: int) -> Box:
    x, y, width = _geometry(phase)
    shade = (visits / most) ** 0.3  # an even scale would show the busiest phase alone
    return Box(phase=phase, x=x, y=y, width=width, height=BOX_HEIGHT, visits=visits, shade=shade)


def _geometry(phase: Phase) -> tuple[float, float, float]:
    """Centre and width."""
    if phase in BARS:
        return WIDTH / 2, BARS[phase], WIDTH - 20
    column, y = PLACES[phase]
    return LEFT + column * COLUMN, y, BOX_WIDTH


def _arrow(move: Move, taken: int) -> Arrow:
    source, destination = Phase(move[0]), Phase(move[1])
    path, x, y = _route(source, destination)
    return Arrow(
        source=source, destination=destination, taken=taken, path=path, x=round(x), y=round(y)
    )


def _route(source: Phase, destination: Phase) -> tuple[str, float, float]:
    if source in BARS and destination in BARS:
        return _line(16, BARS[source] - BOX_HEIGHT / 2, 16, BARS[destination] + BOX_HEIGHT / 2)
    if source in BARS or destination in BARS:
        return _upright(source, destination)
    here, there = PLACES[source], PLACES[destination]
    if here[0] - there[0] > NEAR:
        return _arc(source, destination)
    if here[1] == there[1]:
        return _level(source, destination)
    return _slanted(source, destination)


def _line(x1: float, y1: float, x2: float, y2: float) -> tuple[str, float, float]:
    return f"M{x1:g},{y1:g} L{x2:g},{y2:g}", (x1 + x2) / 2, (y1 + y2) / 2


def _upright(source: Phase, destination: Phase) -> tuple[str, float, float]:
    """Between a bar and a box: straight up or down, beside the box's middle."""
    box, bar = (destination, source) if source in BARS else (source, destination)
    x, y, _ = _geometry(box)
    x += -2 * ASIDE if source in BARS else 2 * ASIDE
    toward = 1 if BARS[bar] > y else -1
    at_box, at_bar = y + toward * BOX_HEIGHT / 2, BARS[bar] - toward * BOX_HEIGHT / 2
    begin, end = (at_bar, at_box) if source in BARS else (at_box, at_bar)
    path, x, _ = _line(x, begin, x, end)
    return path, x, at_bar - toward * 22


def _level(source: Phase, destination: Phase) -> tuple[str, float, float]:
    x1, y, _ = _geometry(source)
    x2 = _geometry(destination)[0]
    toward = 1 if x2 > x1 else -1
    y -= toward * ASIDE
    path, x, y = _line(x1 + toward * BOX_WIDTH / 2, y, x2 - toward * BOX_WIDTH / 2, y)
    return path, x, y - toward * 9


def _slanted(source: Phase, destination: Phase) -> tuple[str, float, float]:
    """From one box's side or edge to the other's, the two directions beside each other."""
    x1, y1, _ = _geometry(source)
    x2, y2, _ = _geometry(destination)
    across, down = (1 if x2 > x1 else -1), (1 if y2 > y1 else -1)
    aside = ASIDE * down
    inset = BOX_WIDTH / 2 - 14
    return _line(
        x1 + across * inset + aside,
        y1 + down * BOX_HEIGHT / 2,
        x2 - across * inset + aside,
        y2 - down * BOX_HEIGHT / 2,
    )


def _arc(source: Phase, destination: Phase) -> tuple[str, float, float]:
    """Back over several phases: above those of the same row, below those of a higher one."""
    x1, y1, _ = _geometry(source)
    x2, y2, _ = _geometry(destination)
    if y1 == y2:
        rise = 26 + 0.09 * (x1 - x2)
        edge = y1 - BOX_HEIGHT / 2
        x1, x2 = x1 - 2 * ASIDE, x2 + 2.6 * ASIDE
        peak = edge - rise
        return (
            f"M{x1:g},{edge:g} C{x1:g},{peak:g} {x2:g},{peak:g} {x2:g},{edge:g}",
            (x1 + x2) / 2,
            edge - 0.75 * rise,
        )
    x1, edge = x1 - BOX_WIDTH / 2, y2 + BOX_HEIGHT / 2
    x2 += 2.6 * ASIDE
    path = f"M{x1:g},{y1:g} L{x2 + 60:g},{y1:g} Q{x2:g},{y1:g} {x2:g},{edge:g}"
    return path, (x1 + x2) / 2, y1
