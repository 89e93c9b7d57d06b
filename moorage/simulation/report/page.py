"""The report: one HTML page that needs nothing but itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from engine.phase import Phase
from moorage.simulation.event_log import HEADERS, Line, around, cells, log_lines
from moorage.simulation.fault_kinds import FAULT_KINDS, meaning
from moorage.simulation.outcome import Counts, Outcome
from moorage.simulation.replay import replay_line
from moorage.simulation.report.coverage import coverage
from moorage.simulation.report.phase_map import phase_map
from moorage.simulation.report.timeline import Lane, Timeline, timeline
from moorage.simulation.summary import Summary
from moorage.simulation.wording import plan_words, setting_words
from moorage.views.durations import short
from simulator.checkers.property import Violation

TEMPLATE = "report.html.jinja"
MOST_LANES = 60
MOST_TOLD = 5
"""Violations with a log of their own; one defect often shows in many."""

COLOURS: Mapping[Phase, str] = {
    Phase.PENDING: "#9aa5b1",
    Phase.PLANNING: "#4fb3d0",
    Phase.PROVISIONING: "#3b82f6",
    Phase.DEPLOYING: "#6366f1",
    Phase.LOADING: "#a855f7",
    Phase.READY: "#22a559",
    Phase.DEGRADED: "#eab308",
    Phase.UPDATING: "#14b8a6",
    Phase.FAILED: "#dc2626",
    Phase.DELETING: "#a8716b",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """``shown`` is the run told in detail: the only one, or a campaign's first failure.

    ``statements`` are those of the properties, by their ids. ``trace_hash`` is of all runs.
    """

    title: str
    counts: Counts
    trace_hash: str
    shown: Outcome | None
    failures: Sequence[Summary] = ()
    statements: Mapping[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        return bool(self.failures) or (self.shown is not None and bool(self.shown.violations))

    @property
    def verdict(self) -> str:
        if self.counts.runs > 1 and self.failures:
            return f"{len(self.failures):,} of {self.counts.runs:,} runs violate a property"
        if self.failed and self.shown is not None:
            broken = dict.fromkeys(violation.property for violation in self.shown.violations)
            return f"{', '.join(broken)} violated"
        return "every property holds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A violation with what its property says, and the log around it."""

    violation: Violation
    statement: str
    log: Sequence[Sequence[str]]


def page(report: Report) -> str:
    """The whole HTML document."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"short": _short, "number": _number}
    text = (files(__package__) / TEMPLATE).read_text(encoding="utf-8")
    return environment.from_string(text).render(
        report=report,
        counts=report.counts,
        rates=_rates(report.counts),
        colours=COLOURS,
        map=phase_map(report.counts),
        faults=_faults(report.counts),
        coverage=coverage(report.counts),
        meaning=meaning,
        headers=HEADERS,
        replay_line=replay_line,
        **_shown(report),
    )


def _shown(report: Report) -> dict[str, object]:
    """What only a run with its history has."""
    run = report.shown
    if run is None:
        return {"run": None, "told": (), "plan": (), "setting": "", "chart": None, "left_out": 0}
    chart = timeline(run.history, run.violations)
    lines = log_lines(run.history)
    return {
        "run": run,
        "told": [_told(it, report.statements, lines) for it in run.violations[:MOST_TOLD]],
        "plan": plan_words(run.plan),
        "setting": setting_words(run.plan.setting),
        "chart": _Chart(chart, chart.workspaces[:MOST_LANES]),
        "left_out": max(0, len(chart.workspaces) - MOST_LANES),
    }


def _told(violation: Violation, statements: Mapping[str, str], lines: Sequence[Line]) -> Told:
    return Told(
        violation=violation,
        statement=statements.get(violation.property, ""),
        log=[cells(line) for line in around(lines, violation.at)],
    )


@dataclass(frozen=True, slots=True)
class _Chart:
    """A timeline in percent of its width."""

    timeline: Timeline
    workspaces: Sequence[Lane]

    def x(self, at: float) -> str:
        share = min(at, self.timeline.end) / self.timeline.end if self.timeline.end else 0.0
        return f"{100 * share:.3f}%"

    def width(self, begin: float, end: float) -> str:
        share = (end - begin) / self.timeline.end if self.timeline.end else 0.0
        return f"{100 * share:.3f}%"

    @property
    def ticks(self) -> Sequence[tuple[str, str]]:
        """Where the axis has a label, and which."""
        step = next(it for it in _TICK_SECONDS if self.timeline.end <= _MOST_TICKS * it)
        count = int(self.timeline.end / step)
        return [(self.x(step * number), _short(step * number)) for number in range(count + 1)]


_MOST_TICKS = 9
_TICK_SECONDS = (10, 60, 300, 600, 1800, 3600, 2 * 3600, 6 * 3600, 86_400, 10 * 86_400, 10**12)


def _faults(counts: Counts) -> Sequence[tuple[str, int, float]]:
    """Kind, times, and share of the most frequent; most frequent first."""
    known = {code: counts.faults[code] for code in FAULT_KINDS} | dict(counts.faults)
    most = max(known.values(), default=0) or 1
    ordered = sorted(known.items(), key=lambda it: (-it[1], it[0]))
    return [(code, times, times / most) for code, times in ordered if times]


def _rates(counts: Counts) -> Mapping[str, str]:
    """For each CPU second; none where too little was measured."""
    if not counts.cpu_seconds:
        return {}
    return {
        "hours": f"{counts.simulated_seconds / 3600 / counts.cpu_seconds:,.1f}",
        "calls": f"{counts.api_calls / counts.cpu_seconds:,.0f}",
        "faults": f"{counts.faults.total() / counts.cpu_seconds:,.1f}",
    }


def _short(seconds: float) -> str:
    return short(timedelta(seconds=seconds))


def _number(number: float) -> str:
    return f"{number:,.0f}"
