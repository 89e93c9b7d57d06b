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
first violation, without the 3 s that a process takes to start. *Elements* is how many user actions
and faults are left of the plan after it was made as small as it would go.
"""


def page(results: Results) -> str:
    """The whole page as Markdown."""
    parts = [_INTRODUCTION, *_summary(results), "## Every shape\n", *_table(results)]
    parts += ["", "## Changes that must not alarm\n", *_benign(results)]
    parts += ["", "## To see one for yourself\n", *_replay(results)]
    return "\n".join(parts) + "\n"


def best(found: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """By seeds if these met it, else by its plan; None where neither did."""
    for way in ("seeds", "plan"):
        if found.get(way):
            return way, found[way]
    return None


def smallest(found: dict[str, Any]) -> dict[str, Any]:
    """The plan with the fewest elements that shows the bug."""
    known = [told["plan"] for told in found.values() if told]
    return min(known, key=lambda plan: len(plan["elements"]))


def _summary(results: Results) -> Iterator[str]:
    planted = [shape for shape in SHAPES if isinstance(SHAPES[shape].verdict, Planted)]
    found = {shape: results.caught.get(shape, {}) for shape in planted}
    caught = {shape: told for shape in planted if (told := best(found[shape]))}
    impossible = sum(isinstance(one.verdict, Impossible) for one in SHAPES.values())
    later = len(SHAPES) - len(planted) - impossible
    by_seeds = sum(way == "seeds" for way, _ in caught.values())
    yield f"- {len(SHAPES)} shapes: {len(planted)} planted, {impossible} that the design has no"
    yield f"  place for, {later} that come with the node engine"
    yield f"- {len(caught)} of {len(planted)} caught, {by_seeds} of them by random seeds"
    if len(caught) > 1:
        sizes = [len(smallest(found[shape])["elements"]) for shape in caught]
        seconds = [told["seconds"] for _, told in caught.values()]
        yield f"- the smallest failing plan has {median(sizes):g} elements in the median, "
        yield f"  {quantiles(sizes, n=20)[-1]:.0f} in the 95th percentile"
        yield f"- {median(seconds):.1f} s of CPU to the first violation in the median, "
        yield f"  {max(seconds):.0f} s at most"
    alarms = [name for name, told in results.benign.items() if "property" in told]
    runs = sum(told["runs"] for told in results.benign.values())
    harmless = len(results.benign)
    yield f"- {len(alarms)} false alarms in {runs} runs of {harmless} harmless versions\n"


def _table(results: Results) -> Iterator[str]:
    yield "| | shape | caught by | found by | runs | CPU s | elements |"
    yield "|---|---|---|---|---|---|---|"
    for number, shape in SHAPES.items():
        yield _row(number, shape, results.caught.get(number, {}))


def _row(number: str, shape: Shape, found: dict[str, Any]) -> str:
    if isinstance(shape.verdict, Impossible):
        return f"| {number} | {shape.what} | has no place here: {shape.verdict.because} | | | | |"
    if not isinstance(shape.verdict, Planted):
        return f"| {number} | {shape.what} | with agent pools: {shape.verdict.because} | | | | |"
    told = best(found)
    if told is None:
        return f"| {number} | {shape.what} | **not caught** | | | | |"
    way, caught = told
    size = len(smallest(found)["elements"])
    return (
        f"| {number} | {shape.what} | {caught['property']} | {way} | {caught['runs']} "
        f"| {caught['seconds']:.1f} | {size} |"
    )


def _benign(results: Results) -> Iterator[str]:
    yield "| change | runs | alarm |"
    yield "|---|---|---|"
    for name, told in results.benign.items():
        yield f"| {name.replace('-', ' ')} | {told['runs']} | {told.get('property', 'none')} |"


def _replay(results: Results) -> Iterator[str]:
    yield "```sh"
    yield "git apply tests/planted/bugs/B57-*.patch"
    found = results.caught.get("B57", {})
    if best(found) is not None:
        plan = json.dumps(smallest(found), separators=(",", ":"))
        yield f"moorage simulate --replay {shlex.quote(plan)}"
    yield "git apply --reverse tests/planted/bugs/B57-*.patch"
    yield "```"
