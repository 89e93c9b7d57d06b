"""Exhaustive: a crash, and a cancellation, at every await of a scenario.

Wherever a process stops, what it had stored must be enough for the next one to come to the same
end.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from moorage.simulation.outcome import Outcome
from moorage.simulation.run import run
from moorage.simulation.search.branches import Point, branch, rerun
from moorage.simulation.search.comparison import compared
from simulator.checkers.property import Violation
from simulator.faults.plan import Plan
from simulator.faults.vocabulary import CancelTask, Crash, Fault
from simulator.history import History

FAULTS: Mapping[str, Sequence[Fault]] = {
    "engine": (Crash(process="engine"), CancelTask(process="engine")),
    "api": (Crash(process="api"), CancelTask(process="api")),
}
CRASH_ANYWHERE = "L10"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """``plan`` is what replays it."""

    point: Point
    plan: Plan
    trace_hash: str
    violations: tuple[Violation, ...]


def crash_points(
    plan: Plan,
    tell: Callable[[Verdict], None],
    *,
    faults: Mapping[str, Sequence[Fault]] = FAULTS,
    every: int = 1,
) -> None:
    """Tells a verdict for every point of the plan's run up to where faults end.

    ``every`` more than 1 takes only each so-many-th step. Raises BranchDied.
    """
    reference = run(plan).history

    def judge(point: Point, outcome: Outcome) -> Verdict:
        return verdict(reference, point, rerun(plan, point), outcome)

    branch(plan, faults, judge=judge, tell=tell, every=every)


def verdict(reference: History, point: Point, plan: Plan, outcome: Outcome) -> Verdict:
    """Every property, and that the end is the reference's."""
    return Verdict(
        point=point,
        plan=plan,
        trace_hash=outcome.trace_hash,
        violations=compared(CRASH_ANYWHERE, reference, outcome),
    )
