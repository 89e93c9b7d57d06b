"""Plans that show an engine the past, made from what happened in an undisturbed run.

The rules are Sieve's (Sun et al., OSDI 2022). Where something was notified, an engine wrote, and
the same object then changed again, the engine is kept from seeing the later change, or is restarted
with a view of the earlier one. Where a later change cancels an earlier one, both are hidden. What
no write of an engine followed is left alone: nothing depended on it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from moorage.simulation.outcome import Outcome
from moorage.simulation.run import run
from moorage.simulation.search.comparison import compared
from moorage.simulation.summary import Summary, summary
from simulator.faults.plan import FaultElement, Plan
from simulator.faults.triggers import At, Calls, OnCall, When
from simulator.faults.vocabulary import Fault, Freeze, Gap, StaleRestart
from simulator.history import Call, Commit, History, Milestone
from simulator.kubernetes.objects import ChangeType

HOUR = 3600.0
LEVEL_TRIGGERED = "L9"
WATCHED = frozenset({"Workspace", "NodeClaim", "Node", "Pod", "StatefulSet", "Service"})
DELIVERED = 0.03
"""Seconds after which a notification has reached the engine, at a scenario's latency."""
REACTION = 5.0
"""Seconds within which a write is taken to follow from a notification."""
HELD = 45.0
"""Seconds for which what is frozen stays so beyond what it hides: looks without news go by."""
HEALS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Two changes of one object that conflict; ``cancels`` where the second undoes the first."""

    kind: str
    first: float
    second: float
    cancels: bool = False


def windows(history: History) -> tuple[Window, ...]:
    """Those that some write of an engine may have depended on, up to where faults end."""
    commits = list(_commits(history))
    writes = [commit.at for commit in commits if commit.actor.startswith("engine")]
    found = {
        window: None
        for changes in _by_object(commits)
        for window in (*_conflicting(changes), *_cancelling(changes))
        if any(window.first < at <= window.second + REACTION for at in writes)
    }
    return tuple(found)


def staleness_plans(plan: Plan, history: History) -> tuple[Plan, ...]:
    """``history`` is that of the plan's own run; each plan adds one fault to it."""
    return tuple(
        _with(plan, FaultElement(fault=fault, when=_when(history, at)))
        for window in windows(history)
        for at, fault in _faults(window)
    )


def _with(plan: Plan, element: FaultElement) -> Plan:
    """With so much more time as the fault may take, so that users still get to what they do."""
    fault = element.fault
    taken = HEALS if isinstance(fault, StaleRestart) else getattr(fault, "seconds", 0.0)
    setting = replace(plan.setting, hours=plan.setting.hours + taken / HOUR)
    return replace(plan, setting=setting, elements=(*plan.elements, element))


def stale_runs(plan: Plan) -> Iterator[Summary]:
    """What each of the plans comes to: every property, and that the end is the undisturbed one."""
    reference = run(plan)
    for stale in staleness_plans(plan, reference.history):
        outcome = run(stale)
        yield _judged(reference.history, outcome)


def _judged(reference: History, outcome: Outcome) -> Summary:
    told = summary(outcome)
    return Summary(
        plan=told.plan,
        trace_hash=told.trace_hash,
        violations=compared(LEVEL_TRIGGERED, reference, outcome),
        counts=told.counts,
    )


def _commits(history: History) -> Iterator[Commit]:
    for record in history.records:
        if isinstance(record, Milestone):
            return
        if isinstance(record, Commit) and record.now["kind"] in WATCHED:
            yield record


def _by_object(commits: Sequence[Commit]) -> list[list[Commit]]:
    objects: dict[str, list[Commit]] = {}
    for commit in commits:
        objects.setdefault(commit.now["metadata"]["uid"], []).append(commit)
    return list(objects.values())


def _conflicting(changes: Sequence[Commit]) -> Iterator[Window]:
    for first, second in pairwise(changes):
        yield Window(kind=first.now["kind"], first=first.at, second=second.at)


def _cancelling(changes: Sequence[Commit]) -> Iterator[Window]:
    """Made or marked for deletion, and then gone."""
    last = changes[-1]
    if last.type is not ChangeType.DELETED:
        return
    marked = next((one for one in changes if "deletionTimestamp" in one.now["metadata"]), last)
    for first in (changes[0], marked):
        if first.at < last.at:
            yield Window(kind=last.now["kind"], first=first.at, second=last.at, cancels=True)


def _faults(window: Window) -> Iterator[tuple[float, Fault]]:
    """Each with the instant at which it strikes."""
    apart = window.second - window.first
    between = window.first + min(DELIVERED, apart / 2)
    after = window.second + DELIVERED
    if window.cancels:
        before = max(0.0, window.first - DELIVERED)
        hidden = window.second - before
        yield before, Freeze(kind=window.kind, seconds=_tenths(hidden + HELD))
        yield before, Gap(kind=window.kind, seconds=_tenths(hidden + DELIVERED))
        return
    yield between, Freeze(kind=window.kind, seconds=_tenths(apart + HELD))
    yield after, StaleRestart(age=after - between, heals=HEALS)


def _when(history: History, at: float) -> When:
    """After the last call that the engine sent before that; at the instant, where it sent none."""
    calls = sorted(
        (one for one in history.records if isinstance(one, Call) and _before(one, at)),
        key=lambda one: one.at,
    )
    if not calls:
        return At(seconds=at)
    last = calls[-1]
    alike = [
        one
        for one in calls
        if (one.verb, one.kind) == (last.verb, last.kind)
        and last.subresource in ("", one.subresource)
    ]
    shape = Calls(actor="engine", verb=last.verb, kind=last.kind, subresource=last.subresource)
    return OnCall(calls=shape, nth=len(alike), moment="sent", seconds=at - last.at)


def _before(call: Call, at: float) -> bool:
    return call.at <= at and call.actor.startswith("engine")


def _tenths(seconds: float) -> float:
    return round(seconds, 1)
