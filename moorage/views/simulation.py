"""Runs of the simulation: for people in lines, for programs as values."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from moorage.simulation.campaign import Campaign
from moorage.simulation.event_log import around, log_lines, text_lines
from moorage.simulation.minimize import Progress
from moorage.simulation.outcome import Counts, Outcome
from moorage.simulation.replay import replay_line
from moorage.simulation.report.coverage import coverage
from moorage.simulation.summary import (
    Summary,
    counts_document,
    plan_document,
    violation_document,
)
from moorage.simulation.wording import plan_words, setting_words
from moorage.views.durations import short
from simulator.checkers.property import Violation
from simulator.faults.plan import Plan

Statements = Mapping[str, str]


def outcome_document(outcome: Outcome, *, minimal: Outcome | None = None) -> Mapping[str, Any]:
    """``minimal`` is the run of the smaller plan that fails in the same way, where there is one."""
    told = {} if minimal is None else {"minimized": plan_document(minimal.plan)}
    return {
        "seed": outcome.plan.seed,
        "trace_hash": outcome.trace_hash,
        "violations": [violation_document(it) for it in outcome.violations],
        **counts_document(outcome.counts),
        "engine_steps": outcome.engine_steps,
        "plan": plan_document(outcome.plan),
        **told,
        "replay": replay_line((minimal or outcome).plan),
    }


def campaign_document(
    seeds: range, campaign: Campaign, *, shown: Outcome | None
) -> Mapping[str, Any]:
    """``shown`` is the first failing run, its plan made smaller where that was asked for."""
    told = {} if shown is None else {"first_failure": outcome_document(shown)}
    reached = coverage(campaign.counts)
    return {
        "seeds": [seeds[0], seeds[-1]],
        "trace_hash": campaign.trace_hash,
        "failing_seeds": [one.plan.seed for one in campaign.failures],
        "violations": [
            {"seed": one.plan.seed, **violation_document(violation)}
            for one in campaign.failures
            for violation in one.violations
        ],
        **counts_document(campaign.counts),
        "triples_possible": reached.all_triples,
        "transitions_never_taken": [f"{source}→{to}" for source, to in reached.untaken],
        "faults_never_struck": list(reached.unstruck),
        **told,
    }


def run_view(
    outcome: Outcome, shown: Outcome, statements: Statements, *, verbose: bool
) -> Iterator[RenderableType]:
    """``shown`` is told in detail: the run itself, or one of a smaller plan that fails alike."""
    broken = broken_properties(outcome)
    told = f"violates {broken}" if broken else "every property holds"
    yield _verdict(f"seed {outcome.plan.seed}", told, failed=bool(broken))
    yield from _indented(_counts_lines(outcome.counts))
    yield Text(f"  trace: {outcome.trace_hash}")
    if broken:
        yield from _failure(shown, statements, verbose=verbose)
    elif verbose:
        yield from _log(shown, verbose=True)


def campaign_view(
    seeds: range,
    campaign: Campaign,
    shown: Outcome | None,
    statements: Statements,
    *,
    verbose: bool,
) -> Iterator[RenderableType]:
    failures = len(campaign.failures)
    told = f"{failures:,} failed" if failures else "every property holds"
    runs = f"seeds {seeds[0]} to {seeds[-1]}, {campaign.counts.runs:,} runs"
    yield _verdict(runs, told, failed=bool(failures))
    yield from _indented(_counts_lines(campaign.counts))
    yield from _indented(_coverage_lines(campaign.counts))
    yield Text(f"  traces: {campaign.trace_hash}")
    if shown is not None:
        yield from _failure(shown, statements, verbose=verbose)


def broken_properties(outcome: Outcome | Summary) -> str:
    """Their ids, with commas between."""
    return ", ".join(dict.fromkeys(violation.property for violation in outcome.violations))


def minimized_words(original: Plan, minimal: Plan, progress: Progress) -> str:
    return (
        f"{_elements(minimal)} of {_elements(original)} are enough, "
        f"as {progress.runs} runs have shown"
    )


def _elements(plan: Plan) -> str:
    return "1 element" if len(plan.elements) == 1 else f"{len(plan.elements)} elements"


def _verdict(title: str, told: str, *, failed: bool) -> Text:
    return Text(f"{title}: ").append(told, style="bold red" if failed else "bold green")


def _counts_lines(counts: Counts) -> Iterator[str]:
    """What was run, and how fast."""
    simulated = short(timedelta(seconds=counts.simulated_seconds))
    yield (
        f"{simulated} simulated, {counts.cpu_seconds:,.1f} s of CPU; {counts.api_calls:,} API "
        f"calls, {counts.commits:,} commits, {counts.steps:,} engine steps"
    )
    struck = ", ".join(f"{code} {times:,}" for code, times in sorted(counts.faults.items()))
    yield f"faults: {counts.faults.total():,}" + (f" ({struck})" if struck else "")


def _coverage_lines(counts: Counts) -> Iterator[str]:
    """What was reached of all there is, and what never was."""
    found = coverage(counts)
    yield (
        f"passages: {found.all_moves - len(found.untaken)} of {found.all_moves} taken; "
        f"after which fault: {found.triples:,} of {found.all_triples:,} combinations reached"
    )
    if found.untaken:
        moves = ", ".join(f"{source}→{to}" for source, to in found.untaken)
        yield f"never taken: {moves}"
    if found.unstruck:
        yield f"never struck: {', '.join(found.unstruck)}"


def _failure(
    outcome: Outcome, statements: Statements, *, verbose: bool
) -> Iterator[RenderableType]:
    """The violations, the plan, the log around the first, and the line that replays it."""
    for violation in outcome.violations:
        yield from _violation(violation, statements)
    yield from _heading("plan")
    yield from _indented(_plan_lines(outcome.plan))
    yield from _log(outcome, verbose=verbose)
    yield from _heading("replay")
    yield Text(replay_line(outcome.plan))


def _violation(violation: Violation, statements: Statements) -> Iterator[RenderableType]:
    yield Text()
    statement = statements.get(violation.property, "")
    yield Text(f"✗ {violation.property}  ", style="bold red").append(statement, style="not bold")
    yield Text(f"  {violation.subject}, at {violation.at:.3f} s")
    yield Text(f"      {violation.facts[0]}")
    yield Text("  and yet")
    yield Text(f"      {violation.facts[1]}")


def _plan_lines(plan: Plan) -> Iterator[str]:
    yield f"seed {plan.seed}; {setting_words(plan.setting)}"
    words = plan_words(plan)
    width = len(str(len(words)))
    for number, line in enumerate(words):
        yield f"{number:>{width}}  {line}"


def _log(outcome: Outcome, *, verbose: bool) -> Iterator[RenderableType]:
    lines = log_lines(outcome.history, everything=verbose)
    if not verbose:
        lines = around(lines, outcome.violations[0].at)
    yield from _heading("log" if verbose else "log around it (all of it with -v)")
    yield from map(Text, text_lines(lines))


def _heading(text: str) -> Iterator[RenderableType]:
    yield Text()
    yield Text(text, style="bold")


def _indented(lines: Iterable[str]) -> Iterator[RenderableType]:
    return (Text(f"  {line}") for line in lines)
