"""How a served model did under load: as a table, and drawn."""

from collections.abc import Callable, Sequence
from xml.etree import ElementTree as ET

from rich.table import Table

from moorage.load import Level

_WIDTH, _HEIGHT, _MARGIN = 360, 240, 48
_INK, _FAINT, _ACCENT = "#1f2933", "#cbd2d9", "#0967d2"


def load_table(title: str, levels: Sequence[Level]) -> Table:
    table = Table(title=title, box=None, title_justify="left", header_style="dim")
    for heading in ("STREAMS", "TOKENS/S", "EACH", "FIRST TOKEN", "P99", "GAP", "P99", "FAILED"):
        table.add_column(heading, justify="right")
    for level in levels:
        table.add_row(
            str(level.streams),
            f"{level.tokens_per_second:.0f}",
            f"{level.tokens_per_second / level.streams:.0f}",
            f"{level.first_seconds * 1000:.0f} ms",
            f"{level.first_seconds_p99 * 1000:.0f} ms",
            f"{level.gap_seconds * 1000:.0f} ms",
            f"{level.gap_seconds_p99 * 1000:.0f} ms",
            f"{level.failed} of {level.failed + level.answers}" if level.failed else "none",
        )
    return table


def drawing(title: str, levels: Sequence[Level]) -> str:
    """Speed, and what a client waits for, over the number of streams; an SVG document."""
    panels: list[tuple[str, Callable[[Level], float]]] = [
        ("tokens per second, all streams", lambda level: level.tokens_per_second),
        ("first token, ms", lambda level: level.first_seconds * 1000),
        ("longest gaps (p99), ms", lambda level: level.gap_seconds_p99 * 1000),
    ]
    root = ET.Element("svg", xmlns="http://www.w3.org/2000/svg")
    root.set("width", str(_WIDTH * len(panels)))
    root.set("height", str(_HEIGHT + 40))
    root.set("font-family", "system-ui, sans-serif")
    ET.SubElement(root, "rect", width="100%", height="100%", fill="white")
    _text(root, title, _MARGIN, 24, size=15)
    for place, (heading, value) in enumerate(panels):
        shift = f"translate({place * _WIDTH} 40)"
        panel = ET.SubElement(root, "g", transform=shift)
        _draw(panel, heading, [(level.streams, value(level)) for level in levels])
    return ET.tostring(root, encoding="unicode")


def _draw(panel: ET.Element, heading: str, points: Sequence[tuple[int, float]]) -> None:
    """Streams are evenly spaced: they usually double."""
    _text(panel, heading, _MARGIN, 14, size=12)
    highest = max(value for _, value in points) or 1.0
    bottom, right = _HEIGHT - 32, _WIDTH - 24
    step = (right - _MARGIN) / max(len(points) - 1, 1)
    places = [
        (_MARGIN + number * step, bottom - value / highest * (bottom - 40))
        for number, (_, value) in enumerate(points)
    ]
    _line(panel, [(_MARGIN, bottom), (right, bottom)], _FAINT)
    _line(panel, places, _ACCENT)
    for (x, y), (streams, value) in zip(places, points, strict=True):
        ET.SubElement(panel, "circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="3", fill=_ACCENT)
        _text(panel, f"{value:.0f}", x, y - 8, size=11, anchor="middle")
        _text(panel, str(streams), x, bottom + 18, size=11, anchor="middle")


def _line(panel: ET.Element, points: Sequence[tuple[float, float]], colour: str) -> None:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    line = ET.SubElement(panel, "polyline", points=path, fill="none", stroke=colour)
    line.set("stroke-width", "2")


def _text(
    panel: ET.Element, text: str, x: float, y: float, *, size: int, anchor: str = "start"
) -> None:
    place = {"x": f"{x:.1f}", "y": f"{y:.1f}"}
    element = ET.SubElement(panel, "text", place, fill=_INK)
    element.set("font-size", str(size))
    element.set("text-anchor", anchor)
    element.text = text
