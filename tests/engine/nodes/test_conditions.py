"""What Karpenter's consumers read of a claim in each phase."""

from dataclasses import replace

import pytest

from engine.nodes.agent_pool import PoolState
from engine.nodes.claim import ClaimConditionType, ConditionStatus, NodeState
from engine.nodes.phase import NodePhase
from engine.nodes.reason import NodeReason
from tests.engine.nodes.scenes import (
    claim,
    end,
    going,
    later,
    node,
    nothing,
    pool,
    refused,
    stepped,
    working,
)
from tests.engine.scenes import NOW

P = NodePhase
C = ClaimConditionType
TRUE, FALSE, UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN
CREATING = nothing(pool=pool(PoolState.CREATING))
NOT_READY = working(nodes=(node(ready=False),))


def brought_to_ready():
    held = replace(claim(P.REQUESTED), finalizer_held=True)
    fit = later(working(), minutes=5, seconds=10)
    return stepped(held, nothing(), later(working(), minutes=5), fit, fit, fit, fit).next


def statuses(state: NodeState) -> dict[str, ConditionStatus]:
    return {condition.type.value: condition.status for condition in state.conditions}


def reasons(state: NodeState) -> dict[str, str]:
    return {condition.type.value: condition.reason for condition in state.conditions}


def steps(*status: ConditionStatus) -> dict[str, ConditionStatus]:
    return dict(zip(("Launched", "Registered", "Initialized", "Ready"), status, strict=True))


@pytest.mark.parametrize(
    ("phase", "seen", "expected"),
    [
        (P.REQUESTED, nothing(), steps(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)),
        (P.LAUNCHING, CREATING, steps(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)),
        (P.REGISTERING, working(nodes=()), steps(TRUE, UNKNOWN, UNKNOWN, UNKNOWN)),
        (P.INITIALIZING, NOT_READY, steps(TRUE, TRUE, UNKNOWN, UNKNOWN)),
        (P.READY, working(), steps(TRUE, TRUE, TRUE, TRUE)),
        (P.UNHEALTHY, NOT_READY, steps(TRUE, TRUE, TRUE, FALSE)),
    ],
)
def test_each_phase_on_the_way_has_its_conditions(phase, seen, expected):
    assert statuses(end(claim(phase), seen)) == expected


def test_the_reasons_on_the_way_are_karpenters():
    assert reasons(end(claim(P.REGISTERING), working(nodes=()))) == {
        "Launched": "Launched",
        "Registered": "NodeNotFound",
        "Initialized": "AwaitingReconciliation",
        "Ready": "ReconcilingDependents",
    }
    assert reasons(end(claim(P.READY), working())) == {
        name: name for name in ("Launched", "Registered", "Initialized", "Ready")
    }
    missing_gpu = end(claim(P.INITIALIZING), working(nodes=(node(gpus=0),)))
    assert reasons(missing_gpu)["Initialized"] == "ResourceNotRegistered"


def test_a_refused_launch_is_false_on_launched_and_ready():
    state = end(claim(P.LAUNCHING), refused(400, "QuotaExceeded"))
    assert statuses(state) == steps(FALSE, UNKNOWN, UNKNOWN, FALSE)
    assert reasons(state)["Launched"] == reasons(state)["Ready"] == NodeReason.QUOTA_EXCEEDED


def test_a_registration_in_vain_is_false_on_registered():
    of = stepped(claim(P.LAUNCHING), working(nodes=())).next
    state = end(of, later(working(nodes=()), hours=1))
    assert statuses(state) == steps(TRUE, FALSE, UNKNOWN, FALSE)
    assert reasons(state)["Registered"] == NodeReason.REGISTRATION_DEADLINE


def test_gpus_that_never_come_are_false_on_initialized():
    bare = working(nodes=(node(gpus=0),))
    of = stepped(claim(P.REGISTERING), bare).next
    state = end(of, later(bare, hours=1))
    assert statuses(state) == steps(TRUE, TRUE, FALSE, FALSE)
    assert reasons(state)["Initialized"] == NodeReason.GPU_NEVER_ALLOCATABLE


def test_a_machine_lost_after_it_was_ready_is_false_on_ready_alone():
    state = end(brought_to_ready(), nothing(pool=pool(count=0)))
    assert statuses(state) == steps(TRUE, TRUE, TRUE, FALSE)
    assert reasons(state)["Ready"] == NodeReason.INSTANCE_LOST


def test_a_failure_is_told_the_same_for_as_long_as_the_claim_is_there():
    of = stepped(claim(P.LAUNCHING), refused(400, "QuotaExceeded")).next
    assert end(of, later(nothing(), hours=5)).conditions == of.machine.conditions


def test_a_claim_that_goes_tells_of_its_drain_and_of_its_machine():
    busy = working(nodes=(node(pods=1),))
    of = stepped(going(brought_to_ready()), busy).next
    assert statuses(of.machine) == {**steps(TRUE, TRUE, TRUE, FALSE), "Drained": FALSE}
    state = end(of, working())
    assert statuses(state) == {
        **steps(TRUE, TRUE, TRUE, FALSE),
        "Drained": TRUE,
        "InstanceTerminating": TRUE,
    }


def test_a_claim_that_goes_before_it_was_launched_never_says_that_it_was():
    state = end(going(claim(P.LAUNCHING)), nothing(), nothing())
    assert state.phase is P.TERMINATING
    assert statuses(state)["Launched"] is UNKNOWN


def test_a_condition_keeps_its_instant_until_its_status_changes():
    of = stepped(claim(P.REGISTERING), working(nodes=())).next
    registered = later(NOT_READY, minutes=1)
    state = end(of, later(working(nodes=()), seconds=30), registered)
    since = {condition.type: condition.since for condition in state.conditions}
    assert since[C.LAUNCHED] == nothing().at
    assert since[C.REGISTERED] == registered.at
    assert since[C.INITIALIZED] == nothing().at


def test_a_changed_message_alone_moves_no_instant():
    of = stepped(claim(P.INITIALIZING), working(nodes=(node(gpus=0),))).next
    state = end(of, later(working(nodes=(node(gpus=1),)), minutes=2))
    (initialized,) = [c for c in state.conditions if c.type is C.INITIALIZED]
    assert "1 of 2" in initialized.message
    assert initialized.since == nothing().at


def test_ready_comes_and_goes_and_the_steps_stay():
    broken = later(NOT_READY, minutes=10)
    state = end(brought_to_ready(), broken)
    assert statuses(state) == steps(TRUE, TRUE, TRUE, FALSE)
    ready = {c.type: c for c in state.conditions}[C.READY]
    assert ready.since == broken.at > NOW


def test_why_a_claim_failed_is_told_until_it_is_gone():
    of = stepped(claim(P.LAUNCHING), refused(400, "QuotaExceeded")).next
    state = end(going(of), later(nothing(), minutes=1), later(nothing(), minutes=2))
    assert state.phase is P.TERMINATING
    assert state.conditions[0] == of.machine.conditions[0]
    assert reasons(state)["Launched"] == NodeReason.QUOTA_EXCEEDED
