"""What one step of a node claim decides, from values alone."""

from datetime import timedelta

import pytest

from engine.nodes.action import CreateAgentPool, HoldClaimFinalizer
from engine.nodes.agent_pool import PoolState
from engine.nodes.deadlines import NODE_PATIENCE, node_deadline
from engine.nodes.guards import STABLE
from engine.nodes.phase import NodePhase
from engine.nodes.reason import NodeReason
from engine.nodes.step import HISTORY_LENGTH, node_step, node_turn
from engine.setback import Setback
from tests.engine.nodes.scenes import (
    claim,
    end,
    going,
    kinds,
    later,
    node,
    nothing,
    pool,
    refused,
    replace,
    second_node,
    stepped,
    working,
)
from tests.engine.scenes import NOW

P = NodePhase


def new():
    """A claim that no machine has stepped yet."""
    fresh = claim(P.REQUESTED)
    return replace(fresh, machine=replace(fresh.machine, deadline=None))


def test_a_claim_goes_all_the_way_from_requested_to_gone():
    held = replace(new(), finalizer_held=True)
    of = stepped(
        held,
        nothing(),
        later(working(nodes=()), minutes=5),
        later(working(), minutes=6),
        later(working(), minutes=6, seconds=10),
    ).next
    of = stepped(going(of), later(working(), minutes=9), later(working(), minutes=10)).next
    assert [passage.destination for passage in of.machine.history] == [
        P.LAUNCHING,
        P.REGISTERING,
        P.INITIALIZING,
        P.READY,
        P.DRAINING,
        P.TERMINATING,
    ]


def test_the_phase_that_asks_is_what_is_saved_before_it_is_acted_on():
    made = node_step(replace(new(), finalizer_held=True), nothing())
    assert made.next.machine.phase is P.LAUNCHING
    assert kinds(made) == [CreateAgentPool]


def test_a_step_that_moved_looks_again_at_once():
    made = node_step(claim(P.LAUNCHING), working())
    assert made.next.machine.phase is P.REGISTERING
    assert made.wake_at == working().at


def test_a_step_that_stayed_looks_again_in_time_for_what_it_waits_for():
    seen = working()
    made = node_step(claim(P.INITIALIZING), seen)
    assert made.next.machine.phase is P.INITIALIZING
    assert made.wake_at == seen.at + STABLE


def test_the_time_to_wait_begins_with_the_first_look():
    """An engine that was down for an hour has not used up the claim's time."""
    seen = later(nothing(), hours=1)
    made = node_step(new(), seen)
    assert made.next.machine.phase is P.REQUESTED
    assert made.next.machine.deadline == node_deadline(P.REQUESTED, seen.at)
    assert kinds(made) == [HoldClaimFinalizer]


def test_the_time_to_wait_is_not_renewed_by_looking():
    of = claim(P.LAUNCHING)
    assert end(of, later(nothing(), minutes=5)).deadline == of.machine.deadline


def test_each_phase_has_a_time_of_its_own():
    seen = later(working(), minutes=5)
    state = end(claim(P.LAUNCHING), seen)
    assert state.since == seen.at
    assert state.deadline == seen.at + NODE_PATIENCE[P.REGISTERING].limit


@pytest.mark.parametrize("phase", [P.REGISTERING, P.INITIALIZING, P.UNHEALTHY])
def test_a_stopped_pool_is_waited_for_without_end(phase):
    stopped = nothing(pool=pool(stopped=True))
    state = end(claim(phase), stopped, later(stopped, days=3))
    assert (state.phase, state.deadline) == (phase, None)


@pytest.mark.parametrize("count", [0, 1])
def test_a_pool_that_is_stopped_has_not_lost_its_machine(count):
    seen = nothing(pool=pool(stopped=True, count=count))
    state = end(claim(P.READY), seen)
    assert (state.phase, state.reason) == (P.UNHEALTHY, NodeReason.POOL_STOPPED)


def test_a_pool_that_is_started_again_has_its_full_time():
    stopped, started = nothing(pool=pool(stopped=True)), nothing(pool=pool())
    morning = later(started, hours=10)
    of = stepped(claim(P.READY), stopped, later(stopped, hours=9)).next
    state = end(of, morning)
    assert state.phase is P.UNHEALTHY
    assert state.deadline == morning.at + NODE_PATIENCE[P.UNHEALTHY].limit


def test_a_node_must_be_fit_for_a_while_without_a_break():
    of = claim(P.INITIALIZING)
    fit, unfit = working(), working(nodes=(node(ready=False),))
    broken = end(of, fit, later(unfit, seconds=4), later(fit, seconds=7))
    assert broken.phase is P.INITIALIZING
    assert broken.usable_since == NOW + timedelta(seconds=7)
    whole = end(of, fit, later(fit, seconds=4), later(fit, seconds=7))
    assert whole.phase is P.READY


def test_a_surge_does_not_disturb_a_claim_that_is_ready():
    both = (node(cordoned=True), second_node(ready=False))
    state = end(claim(P.READY), working(pool=pool(PoolState.CHANGING), nodes=both))
    assert (state.phase, state.reason) == (P.READY, NodeReason.MULTIPLE_NODES_FOUND)


def test_after_a_surge_the_other_node_is_the_one_told_of():
    one, both = working(), working(nodes=(node(), second_node()))
    of = stepped(claim(P.READY), one, both).next
    assert of.machine.node_name == node().name
    assert end(of, working(nodes=(second_node(),))).node_name == second_node().name


def test_two_nodes_do_not_register_and_do_not_fail():
    state = end(claim(P.REGISTERING), working(nodes=(node(), second_node())))
    assert (state.phase, state.reason) == (P.REGISTERING, NodeReason.MULTIPLE_NODES_FOUND)


def test_a_node_without_its_providers_id_is_not_registered():
    state = end(claim(P.REGISTERING), working(nodes=(node(provider_id=""),)))
    assert state.phase is P.REGISTERING


def test_the_node_and_its_id_are_told_from_registration_on():
    state = end(claim(P.REGISTERING), working())
    assert (state.node_name, state.provider_id) == (node().name, node().provider_id)


def test_what_is_not_registered_yet_is_not_told():
    state = end(claim(P.LAUNCHING), nothing(nodes=(node(),)))
    assert (state.node_name, state.provider_id) == ("", "")


def test_what_aks_calls_the_pools_state_is_told_while_there_is_a_pool():
    of = stepped(claim(P.LAUNCHING), nothing(pool=pool(PoolState.CHANGING, told="Scaling"))).next
    assert of.machine.pool_state == "Scaling"
    assert end(of, nothing()).pool_state == ""
    assert end(claim(P.LAUNCHING), nothing(pool=pool(owner="other"))).pool_state == ""


def test_zone_and_resources_are_those_of_the_node():
    there = node(
        labels={"topology.kubernetes.io/zone": "swedencentral-2"},
        capacity={"nvidia.com/gpu": "2"},
        allocatable={"nvidia.com/gpu": "1"},
    )
    state = end(claim(P.REGISTERING), working(nodes=(there,)))
    assert state.zone == "swedencentral-2"
    assert (state.capacity, state.allocatable) == (there.capacity, there.allocatable)


def test_a_failure_keeps_its_reason_as_time_goes_by():
    of = stepped(claim(P.LAUNCHING), refused(400, "QuotaExceeded")).next
    state = end(of, later(nothing(), hours=2))
    assert (state.phase, state.reason) == (P.FAILED, NodeReason.QUOTA_EXCEEDED)
    assert state.remedy == of.machine.remedy != ""


def test_a_setback_is_told_beside_the_reason():
    setback = Setback(action="CreateAgentPool", code="Unreachable", message="no answer")
    state = node_turn(claim(P.LAUNCHING), nothing(), [setback]).next.machine
    assert "CreateAgentPool failed: no answer" in state.message
    assert state.reason is NodeReason.LAUNCHING


def test_a_step_that_changes_nothing_is_equal_to_the_one_before():
    once = node_step(claim(P.LAUNCHING), nothing()).next
    assert node_step(once, later(nothing(), minutes=1)).next == once


def test_only_the_latest_passages_are_kept():
    of = claim(P.READY)
    flapping = (working(nodes=(node(ready=False),)), working(), later(working(), seconds=30))
    for _ in range(HISTORY_LENGTH):
        of = stepped(of, *flapping).next
    assert len(of.machine.history) == HISTORY_LENGTH
    assert of.machine.history[-1].destination is P.READY
