"""A failing plan becomes small, and still fails."""

import random

import pytest

from moorage.simulation.minimize import minimize
from simulator.faults.plan import FaultElement, Plan, Setting, UserElement
from simulator.faults.triggers import At
from simulator.faults.users import Create, GrpcHabits
from simulator.faults.vocabulary import Crash, Pause


def crash(number):
    return FaultElement(fault=Crash(), when=At(seconds=float(number)))


def needing(*wanted):
    """Fails where all of the wanted elements are in the plan."""
    return lambda plan: set(wanted) <= set(plan.elements)


@pytest.mark.parametrize("seed", range(20))
def test_exactly_the_elements_that_make_it_fail_are_left(seed):
    chance = random.Random(seed)
    elements = [crash(number) for number in range(60)]
    wanted = chance.sample(elements, chance.randint(0, 5))
    assert set(minimize(Plan(elements=tuple(elements)), needing(*wanted)).elements) == set(wanted)


def test_leaving_out_any_element_makes_the_failure_go_away():
    """Also where elements stand for each other, so that there is no one smallest plan."""

    def fails(plan):
        instants = [element.when.seconds for element in plan.elements]
        return sum(instants) >= 100

    least = minimize(Plan(elements=tuple(crash(number) for number in range(30))), fails)
    assert fails(least)
    for place in range(len(least.elements)):
        rest = (*least.elements[:place], *least.elements[place + 1 :])
        assert not fails(least.with_elements(rest))


def test_what_was_left_keeps_its_order():
    wanted = [crash(7), crash(3), crash(20)]
    elements = (crash(1), wanted[0], wanted[1], crash(2), crash(9), wanted[2])
    assert minimize(Plan(elements=elements), needing(*wanted)).elements == tuple(wanted)


def test_the_world_becomes_simple_where_that_still_fails():
    plan = Plan(
        setting=Setting(
            workspaces=10,
            hours=8.0,
            schedule="shuffled",
            transport="http",
            latency=1.0,
            habits=GrpcHabits(repeats=True, gives_up=3),
        ),
        elements=(UserElement(user=Create(nodes=4), when=At(seconds=90)), crash(1)),
    )
    least = minimize(plan, lambda it: bool(it.elements) and it.elements[0] != crash(1))
    assert least.setting == Setting(hours=0.25, schedule="in order")
    assert least.elements == (UserElement(user=Create(nodes=1)),)


def test_what_the_failure_needs_of_the_world_stays():
    plan = Plan(setting=Setting(workspaces=6, schedule="priorities", habits=GrpcHabits(resumes=2)))

    def fails(it):
        setting = it.setting
        return setting.workspaces >= 4 and setting.schedule != "in order" and setting.habits.resumes

    least = minimize(plan, fails)
    assert least.setting.workspaces == 4
    assert least.setting.schedule == "priorities"
    assert least.setting.habits == GrpcHabits(resumes=2)


def test_elements_that_only_the_former_world_needed_go_as_well():
    """With one workspace, the pause is no longer part of the failure."""
    pause = FaultElement(fault=Pause())

    def fails(plan):
        if not plan.setting.workspaces > 1:
            return crash(1) in plan.elements
        return {crash(1), pause} <= set(plan.elements)

    plan = Plan(setting=Setting(workspaces=3), elements=(crash(1), pause))
    assert minimize(plan, fails).elements == (crash(1),)


def test_no_plan_is_run_twice_and_progress_is_told():
    seen, told = [], []

    def fails(plan):
        assert plan not in seen
        seen.append(plan)
        return crash(5) in plan.elements

    minimize(Plan(elements=tuple(crash(number) for number in range(16))), fails, told.append)
    assert told[-1].runs == len(seen)
    assert told[-1].elements == 1
