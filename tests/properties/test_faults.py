"""Each fault alone, in a plan of one workspace: it strikes, and Moorage gets over it."""

import pytest

from moorage.simulation.fault_kinds import FAULT_KINDS
from moorage.simulation.run import run
from simulator.faults.plan import FaultElement, Plan, Setting, UserElement
from simulator.faults.triggers import At, AtStep, Calls, When
from simulator.faults.users import Create
from simulator.faults.vocabulary import Fault, PullFails

WHILE_IT_IS_MADE = frozenset(
    {"QUOTA", "LRO-fail", "LRO-slow", "LRO-lost", "GPU-late", "PULL", "LOAD-slow", "LOAD-fail"}
)
ON_REQUESTS = frozenset({"EB", "EA", "429", "SLOW", "CF", "WHK", "KIND-"})
SERVING = At(seconds=900.0)
"""The workspace is Ready by then."""


def trigger(code: str) -> When:
    if code == "CANCEL":
        return AtStep(process="engine", number=300)
    early = code in WHILE_IT_IS_MADE | ON_REQUESTS
    return At(seconds=1.0) if early else SERVING


def fault(code: str) -> Fault:
    kind = FAULT_KINDS[code]
    if code in ON_REQUESTS - {"KIND-"}:
        return kind(calls=Calls(actor="engine", verb="write"))
    return PullFails(seconds=600.0) if kind is PullFails else kind()


@pytest.mark.parametrize("code", sorted(FAULT_KINDS))
def test_it_strikes_and_is_got_over(code: str) -> None:
    plan = Plan(
        seed=1,
        setting=Setting(hours=0.4),
        elements=(
            UserElement(user=Create(nodes=2), when=At(seconds=5.0)),
            FaultElement(fault=fault(code), when=trigger(code)),
        ),
    )
    outcome = run(plan)
    assert outcome.counts.faults[code] > 0
    assert outcome.violations == ()


@pytest.mark.parametrize("schedule", ["in order", "priorities"])
@pytest.mark.parametrize("transport", ["direct", "http"])
def test_every_schedule_and_transport_serves(schedule: str, transport: str) -> None:
    setting = Setting(hours=0.3, schedule=schedule, transport=transport)
    outcome = run(Plan(seed=2, setting=setting, elements=(UserElement(user=Create()),)))
    assert [passed.destination for passed in outcome.passages][-1] == "Ready"
    assert outcome.violations == ()
