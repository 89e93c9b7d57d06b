"""Each fault alone, in a plan of one workspace: it strikes, and Moorage gets over it."""

import pytest

from moorage.simulation.fault_kinds import FAULT_KINDS
from moorage.simulation.run import run
from moorage.simulation.search.swarm import ALL, ON_AZURE
from simulator.faults.plan import FaultElement, Plan, Setting, UserElement
from simulator.faults.triggers import At, AtStep, Calls, When
from simulator.faults.users import Create, Delete
from simulator.faults.vocabulary import Fault, PullFails
from simulator.history import Commit
from simulator.kubernetes.objects import ChangeType

WHILE_IT_IS_MADE = frozenset(
    {
        *("QUOTA", "LRO-fail", "LRO-slow", "LRO-lost", "GPU-late", "PULL", "LOAD-slow"),
        *("LOAD-fail", "BOOT-fail", "NO-node", "GPU-few", "AZ-deny", "AZ-busy", "AZ-lag"),
    }
)
WHILE_IT_IS_UNMADE = frozenset({"DEL-fail", "DEL-slow"})
ON_REQUESTS = frozenset({"EB", "EA", "429", "SLOW", "CF", "WHK", "KIND-"})
OF_EVERY_CLOUD = frozenset({"QUOTA", "LRO-fail", "LRO-slow", "LRO-lost", "SPOT", "GPU-late", "NR"})
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


def struck_by(code: str, setting: Setting) -> Plan:
    unmade = UserElement(user=Delete(), when=At(seconds=1000.0))
    return Plan(
        seed=1,
        setting=setting,
        elements=(
            UserElement(user=Create(nodes=2), when=At(seconds=5.0)),
            FaultElement(fault=fault(code), when=trigger(code)),
            *((unmade,) if code in WHILE_IT_IS_UNMADE else ()),
        ),
    )


@pytest.mark.parametrize("code", sorted(ALL - ON_AZURE))
def test_it_strikes_and_is_got_over(code: str) -> None:
    outcome = run(struck_by(code, Setting(hours=0.4)))
    assert outcome.counts.faults[code] > 0
    assert outcome.violations == ()


@pytest.mark.parametrize("code", sorted(ON_AZURE | OF_EVERY_CLOUD))
def test_it_strikes_azure_and_is_got_over(code: str) -> None:
    outcome = run(struck_by(code, Setting(hours=0.4, provisioner="moorage")))
    assert outcome.counts.faults[code] > 0
    assert outcome.violations == ()


def test_fifty_workspaces_at_once_ask_for_no_more_than_they_need() -> None:
    """And stay within Azure's buckets, which N6 judges."""
    setting = Setting(workspaces=50, hours=0.3, schedule="in order", provisioner="moorage")
    users = [UserElement(user=Create(workspace=number)) for number in range(50)]
    outcome = run(Plan(seed=3, setting=setting, elements=tuple(users)))
    assert outcome.violations == ()
    commits = [one for one in outcome.history.records if isinstance(one, Commit)]
    made = [one for one in commits if one.type is ChangeType.ADDED]
    assert sum(one.now["kind"] == "NodeClaim" for one in made) == 50
    assert sum(one.now["kind"] == "AgentPool" for one in made) == 50
    assert sum(passed.destination == "Ready" for passed in outcome.passages) == 50


@pytest.mark.parametrize("schedule", ["in order", "priorities"])
@pytest.mark.parametrize("transport", ["direct", "http"])
def test_every_schedule_and_transport_serves(schedule: str, transport: str) -> None:
    setting = Setting(hours=0.3, schedule=schedule, transport=transport)
    outcome = run(Plan(seed=2, setting=setting, elements=(UserElement(user=Create()),)))
    assert [passed.destination for passed in outcome.passages][-1] == "Ready"
    assert outcome.violations == ()
