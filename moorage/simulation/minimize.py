"""Makes a failing plan small: fewer elements first (delta debugging), then a simpler world.

The answer is 1-minimal: leaving out any one of its elements makes the failure go away.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from simulator.faults.plan import Element, Plan, Setting, UserElement
from simulator.faults.triggers import At
from simulator.faults.users import Create, GrpcHabits, Recreate

Fails = Callable[[Plan], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """``runs`` so far, and the smallest failing plan that they have shown."""

    runs: int
    elements: int


def minimize(
    plan: Plan, fails: Fails, on_progress: Callable[[Progress], None] = lambda _: None
) -> Plan:
    """The smallest plan found that still fails; ``plan`` itself is taken to fail."""
    trial = _Trial(fails=fails, on_progress=on_progress, best=plan)
    while True:
        before = trial.best
        _leave_out(trial)
        _simplify(trial)
        if trial.best == before:
            return trial.best


@dataclass(slots=True, kw_only=True)
class _Trial:
    """Plans once tried are not tried again: a run is a function of its plan."""

    fails: Fails
    on_progress: Callable[[Progress], None]
    best: Plan
    tried: set[Plan] = field(default_factory=set)

    def better(self, candidate: Plan) -> bool:
        """Whether the candidate still fails; it is then the best so far."""
        if candidate in self.tried:
            return False
        self.tried.add(candidate)
        failed = self.fails(candidate)
        if failed:
            self.best = candidate
        self.on_progress(Progress(runs=len(self.tried), elements=len(self.best.elements)))
        return failed


def _leave_out(trial: _Trial) -> None:
    """ddmin (Zeller and Hildebrandt 2002), complements only: what is left out is what counts."""
    parts = 2
    while trial.best.elements:
        elements = trial.best.elements
        parts = min(parts, len(elements))
        if any(trial.better(trial.best.with_elements(rest)) for rest in _rests(elements, parts)):
            parts = max(parts - 1, 2)
        elif parts == len(elements):
            return
        else:
            parts *= 2


def _rests(elements: Sequence[Element], parts: int) -> Iterator[Sequence[Element]]:
    """The elements without the first of so many equal parts, without the second, and so on."""
    bounds = [len(elements) * part // parts for part in range(parts + 1)]
    for begin, end in pairwise(bounds):
        yield (*elements[:begin], *elements[end:])


def _simplify(trial: _Trial) -> None:
    for simpler in _SIMPLER:
        while any(trial.better(candidate) for candidate in simpler(trial.best)):
            pass


def _fewer_workspaces(plan: Plan) -> Iterator[Plan]:
    for count in (1, plan.setting.workspaces // 2, plan.setting.workspaces - 1):
        if 0 < count < plan.setting.workspaces:
            yield _set(plan, replace(plan.setting, workspaces=count))


def _fewer_hours(plan: Plan) -> Iterator[Plan]:
    for hours in (0.25, 1.0, plan.setting.hours / 2):
        if 0.25 <= hours < plan.setting.hours:  # noqa: PLR2004 - below, less is no simpler
            yield _set(plan, replace(plan.setting, hours=hours))


def _plain_setting(plan: Plan) -> Iterator[Plan]:
    setting = plan.setting
    for simpler in (
        replace(setting, schedule="in order"),
        replace(setting, transport="direct"),
        replace(setting, habits=GrpcHabits()),
        replace(setting, latency=Setting().latency),
    ):
        if simpler != setting:
            yield _set(plan, simpler)


def _fewer_nodes(plan: Plan) -> Iterator[Plan]:
    for place, element in _users(plan):
        action = element.user
        if isinstance(action, Create | Recreate) and action.nodes > 1:
            yield _put(plan, place, replace(element, user=replace(action, nodes=1)))


def _created_at_once(plan: Plan) -> Iterator[Plan]:
    for place, element in _users(plan):
        if isinstance(element.user, Create) and element.when != At():
            yield _put(plan, place, replace(element, when=At()))


def _users(plan: Plan) -> Iterator[tuple[int, UserElement]]:
    return (
        (place, element)
        for place, element in enumerate(plan.elements)
        if isinstance(element, UserElement)
    )


def _put(plan: Plan, place: int, element: Element) -> Plan:
    return plan.with_elements((*plan.elements[:place], element, *plan.elements[place + 1 :]))


_SIMPLER: tuple[Callable[[Plan], Iterator[Plan]], ...] = (
    _fewer_workspaces,
    _fewer_hours,
    _plain_setting,
    _fewer_nodes,
    _created_at_once,
)


def _set(plan: Plan, setting: Setting) -> Plan:
    return replace(plan, setting=setting)
