import pytest

from moorage.simulation.fault_kinds import FAULT_KINDS
from moorage.simulation.search.swarm import draw
from moorage.simulation.search.values import ACTION_VALUES, FAULT_VALUES
from moorage.simulation.wording import plan_words
from simulator.faults.plan import FaultElement, UserElement, from_json, to_json
from simulator.faults.triggers import AtStep
from simulator.faults.users import Create
from simulator.faults.vocabulary import CancelTask

PLANS = [draw(seed) for seed in range(300)]


def test_a_seed_always_draws_the_same_plan():
    assert draw(7) == draw(7)


def test_seeds_draw_different_plans():
    assert len({to_json(plan) for plan in PLANS}) == len(PLANS)


def test_plans_survive_json():
    assert [from_json(to_json(plan)) for plan in PLANS] == PLANS


def test_every_kind_of_fault_is_drawn_by_some_seed():
    assert {one.fault.code for plan in PLANS for one in plan.faults} == FAULT_KINDS.keys()


def test_every_workspace_is_created():
    for plan in PLANS:
        created = {
            one.user.workspace
            for one in plan.elements
            if isinstance(one, UserElement) and isinstance(one.user, Create)
        }
        assert created == set(range(plan.setting.workspaces))


def test_no_fault_is_drawn_that_was_not_asked_for():
    for seed in range(50):
        plan = draw(seed, faults=("CR", "EA"))
        assert {one.fault.code for one in plan.faults} <= {"CR", "EA"}


def test_without_faults_users_are_left():
    plan = draw(3, faults=())
    assert plan.elements
    assert not plan.faults


def test_the_world_can_be_given():
    setting = draw(3, workspaces=7, hours=0.5).setting
    assert (setting.workspaces, setting.hours) == (7, 0.5)


def test_only_steps_trigger_cancellations():
    cancelled = [
        one
        for plan in PLANS
        for one in plan.elements
        if isinstance(one, FaultElement) and isinstance(one.fault, CancelTask)
    ]
    assert cancelled
    assert all(isinstance(one.when, AtStep) for one in cancelled)


def test_drawn_plans_can_be_told_in_words():
    assert all(all(plan_words(plan)) for plan in PLANS)


@pytest.mark.parametrize("values", [FAULT_VALUES, ACTION_VALUES])
def test_the_values_to_try_are_of_fields_that_exist(values):
    for kind, by_field in values.items():
        for name, options in by_field.items():
            for option in options:
                assert getattr(kind(**{name: option}), name) == option


def test_there_are_values_for_every_kind_of_fault():
    assert FAULT_VALUES.keys() == set(FAULT_KINDS.values())
