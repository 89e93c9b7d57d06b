"""Runs of the simulation: for people in lines, for programs as values."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from moorage.simulation.campaign import Campaign
from moorage.simulation.minimize import Progress
from moorage.simulation.outcome import Counts, Outcome
from moorage.simulation.replay import replay_line
from moorage.simulation.report.coverage import coverage
from moorage.simulation.summary import counts_document, plan_document, violation_document
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


def verdict_line(title: str, *, failed: bool, told: str) -> Text:
    style = "bold red" if failed else "bold green"
    return Text(f"{title}: ").append(told, style=style)


def counts_lines(counts: Counts) -> Iterator[str]:
    """What was run, and how fast."""
    simulated = short(timedelta(seconds=counts.simulated_seconds))
    yield (
        f"{simulated} simulated, {counts.cpu_seconds:,.1f} s of CPU; {counts.api_calls:,} API "
        f"calls, {counts.commits:,} commits, {counts.steps:,} engine steps"
    )
    struck = ", ".join(f"{code} {times:,}" for code, times in sorted(counts.faults.items()))
    yield f"faults: {counts.faults.total():,}" + (f" ({struck})" if struck else "")


def coverage_lines(counts: Counts) -> Iterator[str]:
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


def violation_view(violation: Violation, statements: Statements) -> RenderableType:
    statement = statements.get(violation.property, "")
    heading = Text(f"✗ {violation.property}", style="bold red")
    return Group(
        heading.append(f"  {statement}", style="not bold default"),
        Text(f"  {violation.subject}, at {violation.at:.3f} s"),
        Text(f"      {violation.facts[0]}"),
        Text("  and yet", style="bold"),
        Text(f"      {violation.facts[1]}"),
    )


def plan_lines(plan: Plan) -> Iterator[str]:
    yield f"seed {plan.seed}; {setting_words(plan.setting)}"
    words = plan_words(plan)
    width = len(str(len(words)))
    for number, line in enumerate(words):
        yield f"{number:>{width}}  {line}"


def minimized_words(original: Plan, minimal: Plan, progress: Progress) -> str:
    return (
        f"{_elements(minimal.elements)}, of {_elements(original.elements)} at first, "
        f"found in {progress.runs} runs"
    )


def _elements(elements: Sequence[object]) -> str:
    return "1 element" if len(elements) == 1 else f"{len(elements)} elements"
