"""The public page of planted bugs, from the catalogue and the results."""

import json
import shlex
from collections.abc import Iterator
from statistics import median, quantiles
from typing import Any

from tests.planted.catalogue import SHAPES, Impossible, Planted, Shape
from tests.planted.mutant import ROOT
from tests.planted.results import Results

PAGE = ROOT / "docs" / "planted-bugs.md"

_INTRODUCTION = """\
# Planted bugs

Would the simulation notice if Moorage were wrong? The table below has 94 shapes of bugs that
operators and cloud controllers are known to have had. Each that this design has a place for is
kept as a patch in `tests/planted/bugs/`; applied to a copy of the tree, it must be caught by a
property of the checkers. `make planted` plants them one by one and writes this page.

*Seeds* draw whole runs at random; a *plan* aims at one shape, for those that chance would take
long to meet, and to have every shape in a test that takes seconds. Seconds are of CPU, to the
first violation, without the two or three that a process takes to start. *Elements* is how many user
actions and faults are left of a failing plan after it was made as small as it would go.
"""


def page(results: Results) -> str:
    """The whole page as Markdown."""
    parts = [_INTRODUCTION, *_summary(results), "", "## Every shape\n", *_table(results)]
    parts += ["", "## Changes that must not alarm\n", *_benign(results)]
    parts += ["", "## To see one for yourself\n", *_replay(results)]
    return "\n".join(parts) + "\n"


def catches(found: dict[str, Any]) -> list[dict[str, Any]]:
    """What caught it: its plan first, then seeds."""
    return [found[way] for way in ("plan", "seeds") if "property" in found.get(way, {})]


def smallest(found: dict[str, Any]) -> dict[str, Any]:
    """The plan with the fewest elements that shows the bug."""
    return min((one["plan"] for one in catches(found)), key=lambda plan: len(plan["elements"]))


def _summary(results: Results) -> Iterator[str]:
    planted = [shape for shape in SHAPES if isinstance(SHAPES[shape].verdict, Planted)]
    found = {shape: results.caught.get(shape, {}) for shape in planted}
    caught = {shape: catches(found[shape]) for shape in planted if catches(found[shape])}
    impossible = sum(isinstance(one.verdict, Impossible) for one in SHAPES.values())
    yield f"- {len(SHAPES)} shapes: {len(planted)} planted, {impossible} that this design has no"
    yield "  place for"
    yield f"- {len(caught)} of {len(planted)} caught"
    if len(caught) > 1:
        yield from _figures([found[shape] for shape in caught])
    drawn = [one["seeds"] for one in found.values() if "seeds" in one]
    by_seeds = [one for one in drawn if "property" in one]
    yield f"- sought by random seeds too: {len(drawn)}; met within some 20 CPU s: {len(by_seeds)}"
    alarms = [name for name, told in results.benign.items() if "property" in told]
    runs = sum(told["runs"] for told in results.benign.values())
    yield f"- {len(alarms)} false alarms in {runs} runs of {len(results.benign)} harmless versions"


def _figures(caught: list[dict[str, Any]]) -> Iterator[str]:
    sizes = [len(smallest(one)["elements"]) for one in caught]
    seconds = [catches(one)[0]["seconds"] for one in caught]
    yield f"- the smallest failing plan has {median(sizes):g} elements in the median and"
    yield f"  {quantiles(sizes, n=20)[-1]:.0f} in the 95th percentile"
    yield f"- {median(seconds):.1f} CPU s to the first violation in the median,"
    yield f"  {max(seconds):.1f} at most"


def _table(results: Results) -> Iterator[str]:
    yield "| | shape | caught by | elements | CPU s, by plan | by seeds |"
    yield "|---|---|---|---|---|---|"
    for number, shape in SHAPES.items():
        yield _row(number, shape, results.caught.get(number, {}))


def _row(number: str, shape: Shape, found: dict[str, Any]) -> str:
    if isinstance(shape.verdict, Impossible):
        return f"| {number} | {shape.what} | has no place here: {shape.verdict.because} | | | |"
    if not catches(found):
        return f"| {number} | {shape.what} | **not caught** | | | |"
    size = len(smallest(found)["elements"])
    return (
        f"| {number} | {shape.what} | {catches(found)[0]['property']} | {size} "
        f"| {_seconds(found.get('plan', {}))} | {_by_seeds(shape.verdict, found)} |"
    )


def _seconds(told: dict[str, Any]) -> str:
    return f"{told['seconds']:.1f}" if "property" in told else "not caught"


def _by_seeds(planted: Planted, found: dict[str, Any]) -> str:
    told = found.get("seeds")
    if told is None:
        return "too rare" if planted.rare else "not sought"
    if "property" not in told:
        return f"not in {told['runs']} runs"
    return f"{told['property']} in run {told['runs']}, {told['seconds']:.1f} s"


def _benign(results: Results) -> Iterator[str]:
    yield "| change | runs | alarm |"
    yield "|---|---|---|"
    for name, told in results.benign.items():
        yield f"| {name.replace('-', ' ')} | {told['runs']} | {told.get('property', 'none')} |"


def _replay(results: Results) -> Iterator[str]:
    yield "```sh"
    yield "git apply tests/planted/bugs/B57-*.patch"
    found = results.caught.get("B57", {})
    if catches(found):
        plan = json.dumps(smallest(found), separators=(",", ":"))
        yield f"moorage simulate --replay {shlex.quote(plan)}"
    yield "git apply --reverse tests/planted/bugs/B57-*.patch"
    yield "```"
