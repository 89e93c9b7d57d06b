from functools import cache

import pytest

from engine.phase import Phase
from moorage.simulation.outcome import Outcome
from moorage.simulation.run import run
from moorage.simulation.search.scenarios import scenarios
from simulator.faults.triggers import AtStep
from simulator.faults.vocabulary import CancelTask, Crash, StaleRestart


@cache
def undisturbed(name: str) -> Outcome:
    return run(scenarios()[name])


@pytest.mark.parametrize("name", scenarios())
def test_a_scenario_holds_and_all_of_it_happens(name):
    plan = scenarios()[name]
    outcome = undisturbed(name)
    assert outcome.violations == ()
    assert sum(outcome.counts.faults.values()) >= len(plan.faults)
    healed = plan.setting.hours * 3600
    changes = [one for one in outcome.passages if one.destination != Phase.PLANNING.value]
    if "cannot be served" not in name:
        assert changes[-1].at < healed + 1, "it is still under way when its time is over"


def test_there_are_twenty_scenarios_and_more():
    assert len(scenarios()) >= 20


def test_scenarios_leave_crashes_to_the_search():
    for plan in scenarios().values():
        for one in plan.faults:
            assert not isinstance(one.fault, Crash | CancelTask | StaleRestart)
            assert not isinstance(one.when, AtStep)


def test_together_they_visit_every_phase():
    visited = {passed.destination for name in scenarios() for passed in undisturbed(name).passages}
    assert visited == {phase.value for phase in Phase}
