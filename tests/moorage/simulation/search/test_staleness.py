import pytest

from moorage.simulation.outcome import Outcome
from moorage.simulation.run import run
from moorage.simulation.search.scenarios import scenarios
from moorage.simulation.search.staleness import WATCHED, staleness_plans, windows
from simulator.faults.plan import from_json, to_json
from simulator.faults.triggers import OnCall
from simulator.faults.vocabulary import Freeze, Gap, StaleRestart

PLAN = scenarios()["delete while Provisioning"]


@pytest.fixture(scope="module")
def undisturbed() -> Outcome:
    return run(PLAN)


def test_every_window_is_of_a_kind_that_engines_watch(undisturbed):
    found = windows(undisturbed.history)
    assert {window.kind for window in found} <= WATCHED
    assert all(window.first <= window.second for window in found)


def test_what_is_made_and_then_gone_is_a_window_that_cancels(undisturbed):
    cancelling = {one.kind for one in windows(undisturbed.history) if one.cancels}
    assert {"Workspace", "NodeClaim"} <= cancelling


def test_where_no_engine_wrote_there_is_no_window():
    outcome = run(PLAN.with_elements(()))
    assert windows(outcome.history) == ()


def test_each_plan_adds_one_fault_of_the_past(undisturbed):
    plans = staleness_plans(PLAN, undisturbed.history)
    assert all(plan.elements[:-1] == PLAN.elements for plan in plans)
    added = {type(plan.elements[-1].fault) for plan in plans}
    assert added == {Freeze, Gap, StaleRestart}


def test_the_plans_are_the_same_every_time(undisturbed):
    again = run(PLAN)
    assert staleness_plans(PLAN, undisturbed.history) == staleness_plans(PLAN, again.history)


def test_plans_wait_for_calls_and_survive_json(undisturbed):
    plans = staleness_plans(PLAN, undisturbed.history)
    assert any(isinstance(plan.elements[-1].when, OnCall) for plan in plans)
    assert [from_json(to_json(plan)) for plan in plans] == list(plans)


def test_the_faults_strike(undisturbed):
    for plan in staleness_plans(PLAN, undisturbed.history)[::9]:
        code = plan.elements[-1].fault.code
        assert run(plan).counts.faults[code] == 1
