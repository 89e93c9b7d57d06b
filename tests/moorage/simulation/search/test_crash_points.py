from dataclasses import replace

import pytest

from moorage.simulation.run import run
from moorage.simulation.search.branches import BranchDied, Point, branch, rerun
from moorage.simulation.search.crash_points import FAULTS, Verdict, crash_points, verdict
from moorage.simulation.search.scenarios import scenarios
from simulator.faults.vocabulary import CancelTask, Crash

QUICK = scenarios()["create what cannot be served"]


@pytest.fixture(scope="module")
def verdicts() -> list[Verdict]:
    told: list[Verdict] = []
    crash_points(QUICK, told.append, every=6)
    return told


def test_each_fault_strikes_at_each_step_in_turn(verdicts):
    crashes = [
        one.point.step
        for one in verdicts
        if one.point.process == "engine" and isinstance(one.point.fault, Crash)
    ]
    assert crashes == list(range(6, max(crashes) + 1, 6))
    assert {(one.point.process, type(one.point.fault)) for one in verdicts} == {
        (role, kind) for role in ("engine", "api") for kind in (Crash, CancelTask)
    }


def test_a_branch_is_the_run_of_its_plan(verdicts):
    """The reason why a fork may stand for a run, and why its plan can be handed on."""
    for one in verdicts[::4]:
        assert run(one.plan).trace_hash == one.trace_hash


def test_branches_differ_from_one_another(verdicts):
    assert len({one.trace_hash for one in verdicts}) > len(verdicts) // 2


def test_wherever_this_scenario_is_crashed_all_holds(verdicts):
    assert [one for one in verdicts if one.violations] == []


def test_a_call_that_is_cancelled_before_its_first_step_is_answered_too():
    """Else its client would wait for ever, and never ask again."""
    told: list[Verdict] = []
    crash_points(QUICK, told.append, faults={"api": (CancelTask(process="api"),)}, every=1)
    assert [one.point.step for one in told if one.violations] == []


def test_another_end_than_the_reference_is_a_violation():
    point = Point(process="engine", step=1, fault=FAULTS["engine"][0])
    other = run(QUICK)
    reference = run(replace(QUICK, elements=())).history
    found = verdict(reference, point, rerun(QUICK, point), other)
    assert {one.property for one in found.violations} == {"L10"}


def test_a_branch_that_dies_is_noticed():
    def judge(point, outcome):
        raise SystemExit(f"{point} {outcome}")

    with pytest.raises(BranchDied, match="Crash"):
        branch(QUICK, {"engine": (Crash(),)}, judge=judge, tell=print, every=10)


def test_the_first_process_hears_of_every_branch_in_order():
    heard: list[int] = []
    branch(
        QUICK,
        {"engine": (Crash(),)},
        judge=lambda point, outcome: point.step,
        tell=heard.append,
        every=5,
    )
    assert heard == sorted(heard)
    assert len(heard) > 1
