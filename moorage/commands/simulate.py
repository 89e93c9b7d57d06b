"""``simulate``: the whole of Moorage in virtual time, against a world in which things go wrong."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import RenderableType

from moorage.failure import ExitCode, Failure
from moorage.options import TextFormat
from moorage.simulation import minimize as minimizing
from moorage.simulation.campaign import Campaign, campaign
from moorage.simulation.outcome import Outcome
from moorage.simulation.report.page import Report, page
from moorage.simulation.run import run
from moorage.simulation.search.swarm import draw
from moorage.simulation.summary import violates
from moorage.terminal import notes, results
from moorage.views.documents import document
from moorage.views.run_progress import run_progress
from moorage.views.simulation import (
    broken_properties,
    campaign_document,
    campaign_view,
    minimized_words,
    outcome_document,
    run_view,
)
from simulator.checkers.properties import PROPERTIES
from simulator.faults.plan import Plan, Provisioner

STATEMENTS: Mapping[str, str] = {one.id: one.statement for one in PROPERTIES}
FAILURES_NAMED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What plans are drawn from, beside their seeds; what is None is drawn too.

    ``hours`` are those with faults, of which ``faults`` are the codes.
    """

    workspaces: int | None = None
    hours: float | None = None
    provisioner: Provisioner | None = None
    faults: frozenset[str]

    @property
    def draw(self) -> Callable[[int], Plan]:
        return partial(
            draw,
            workspaces=self.workspaces,
            hours=self.hours,
            faults=self.faults,
            provisioner=self.provisioner,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """How it is told: ``verbose`` with the whole log, ``report`` on a page besides."""

    form: TextFormat = TextFormat.TEXT
    verbose: bool = False
    report: Path | None = None


def simulate_one(plan: Plan, *, minimize: bool, telling: Telling) -> None:
    """Raises Failure where a property is violated."""
    outcome = run(plan)
    minimal = _minimal(outcome) if minimize and outcome.violations else None
    shown = minimal or outcome
    report = Report(
        title=f"Seed {plan.seed}",
        counts=outcome.counts,
        trace_hash=outcome.trace_hash,
        shown=shown,
        statements=STATEMENTS,
    )
    _write(report, telling.report)
    if telling.form is TextFormat.TEXT:
        _print(run_view(outcome, shown, STATEMENTS, verbose=telling.verbose))
    else:
        results().out(document(outcome_document(outcome, minimal=minimal), telling.form))
    if outcome.violations:
        raise Failure(f"seed {plan.seed} violates {broken_properties(outcome)}")


def simulate_many(
    seeds: range,
    world: World,
    *,
    processes: int | None,
    keep_going: bool,
    minimize: bool,
    telling: Telling,
) -> None:
    """Raises Failure where a property is violated, or a run does not repeat itself."""
    whole = _all_runs(seeds, world, processes=processes, keep_going=keep_going)
    shown = _first_failure(whole, minimize=minimize) if whole.failures else None
    report = Report(
        title=f"Seeds {seeds[0]} to {seeds[-1]}",
        counts=whole.counts,
        trace_hash=whole.trace_hash,
        shown=shown,
        failures=whole.failures,
        statements=STATEMENTS,
    )
    _write(report, telling.report)
    if telling.form is TextFormat.TEXT:
        _print(campaign_view(seeds, whole, shown, STATEMENTS, verbose=telling.verbose))
    else:
        results().out(document(campaign_document(seeds, whole, shown=shown), telling.form))
    if whole.failures:
        raise Failure(
            f"{len(whole.failures):,} of {whole.counts.runs:,} runs violate a property",
            details=[f"seed {one.plan.seed}" for one in whole.failures[:FAILURES_NAMED]],
        )


def _all_runs(seeds: range, world: World, *, processes: int | None, keep_going: bool) -> Campaign:
    whole = Campaign()
    runs = campaign(
        seeds,
        draw=world.draw,
        run=run,
        processes=processes or os.cpu_count() or 1,
        keep_going=keep_going,
    )
    with run_progress("runs", total=len(seeds)) as advance:
        for one in runs:
            whole.add(one)
            if one.failed and keep_going:
                notes().print(f"seed {one.plan.seed} violates {broken_properties(one)}")
            advance(f"{len(whole.failures)} failed" if whole.failures else "none failed")
    return whole


def _first_failure(whole: Campaign, *, minimize: bool) -> Outcome:
    """The first failing run again, with its history. Raises Failure where it does not repeat."""
    first = whole.failures[0]
    outcome = run(first.plan)
    if outcome.trace_hash != first.trace_hash:
        raise Failure(
            f"seed {first.plan.seed} does not repeat itself: its trace was {first.trace_hash}, "
            f"and now is {outcome.trace_hash}",
            details=["something in the simulation is left to chance: that is a defect of its own"],
        )
    return _minimal(outcome) if minimize else outcome


def _minimal(outcome: Outcome) -> Outcome:
    """The run of the smallest plan found that violates the same property."""
    broken = outcome.violations[0].property
    latest = minimizing.Progress(runs=0, elements=len(outcome.plan.elements))
    with run_progress("making the plan smaller", total=None) as advance:

        def on_progress(progress: minimizing.Progress) -> None:
            nonlocal latest
            latest = progress
            advance(f"{progress.elements} elements left")

        plan = minimizing.minimize(
            outcome.plan, lambda candidate: violates(run(candidate), broken), on_progress
        )
    notes().print(minimized_words(outcome.plan, plan, latest), style="dim")
    return run(plan)


def _print(view: Iterable[RenderableType]) -> None:
    """A line stays a line, however long: the last one is to be copied."""
    console = results()
    for line in view:
        console.print(line, soft_wrap=True)


def _write(report: Report, path: Path | None) -> None:
    """Raises Failure where the file cannot be written."""
    if path is None:
        return
    try:
        path.write_text(page(report), encoding="utf-8")
    except OSError as error:
        raise Failure(f"cannot write the report: {error}", exit_code=ExitCode.INVALID) from error
    notes().print(f"report: {path}", style="dim")
