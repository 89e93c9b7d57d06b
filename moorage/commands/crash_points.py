"""``simulate --crash-points``: every scenario again and again, stopped at each await in turn."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from moorage.failure import Failure
from moorage.options import TextFormat
from moorage.simulation.replay import replay_line
from moorage.simulation.search.crash_points import Verdict, crash_points
from moorage.simulation.search.scenarios import scenarios
from moorage.simulation.summary import violation_document
from moorage.simulation.wording import element_words
from moorage.terminal import print_table, results
from moorage.views.documents import document
from moorage.views.run_progress import run_progress
from simulator.faults.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """What one scenario came to: ``points`` at which it was stopped, ``failed`` those of no good.

    ``seconds`` are of real time.
    """

    scenario: str
    points: int
    seconds: float
    failed: Sequence[Verdict]


def crash_everywhere(*, every: int, form: TextFormat) -> None:
    """Raises Failure where a property is violated, or the end is another than undisturbed."""
    found = [_cover(name, plan, every) for name, plan in scenarios().items()]
    if form is TextFormat.TEXT:
        print_table(_table(found))
        for covered in found:
            _tell_failures(covered)
    else:
        results().out(document([_object(covered) for covered in found], form))
    failed = sum(len(covered.failed) for covered in found)
    if failed:
        raise Failure(f"{failed:,} of {sum(it.points for it in found):,} points fail")


def _cover(name: str, plan: Plan, every: int) -> Covered:
    verdicts: list[Verdict] = []
    failed = 0
    began = time.monotonic()
    with run_progress(name, total=None) as advance:

        def tell(verdict: Verdict) -> None:
            nonlocal failed
            verdicts.append(verdict)
            failed += bool(verdict.violations)
            advance(f"{failed} failed" if failed else "none failed")

        crash_points(plan, tell, every=every)
    return Covered(
        scenario=name,
        points=len(verdicts),
        seconds=time.monotonic() - began,
        failed=[verdict for verdict in verdicts if verdict.violations],
    )


def _table(found: Sequence[Covered]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="")
    table.add_column("SCENARIO", no_wrap=True)
    for header in ("POINTS", "FAILED", "SECONDS"):
        table.add_column(header, no_wrap=True, justify="right")
    for it in found:
        table.add_row(it.scenario, f"{it.points:,}", str(len(it.failed)), f"{it.seconds:.1f}")
    points, failed = sum(it.points for it in found), sum(len(it.failed) for it in found)
    seconds = sum(it.seconds for it in found)
    table.add_row("all", f"{points:,}", str(failed), f"{seconds:.1f}", style="bold")
    return table


def _tell_failures(covered: Covered) -> None:
    for verdict in covered.failed:
        results().out(f"\n{covered.scenario}: {element_words(verdict.plan.elements[-1])}")
        for violation in verdict.violations:
            expected, found = violation.facts
            results().out(f"  {violation.property} {violation.subject}: {expected}, yet {found}")
        results().out(replay_line(verdict.plan))


def _object(covered: Covered) -> Mapping[str, Any]:
    return {
        "scenario": covered.scenario,
        "points": covered.points,
        "seconds": round(covered.seconds, 3),
        "failures": [
            {
                "violations": [violation_document(it) for it in verdict.violations],
                "trace_hash": verdict.trace_hash,
                "replay": replay_line(verdict.plan),
            }
            for verdict in covered.failed
        ],
    }
