"""What holds of the node claim's machine whatever the world shows it, in whatever order."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.nodes.action import (
    CreateAgentPool,
    DeleteAgentPool,
    DeleteNode,
    DrainNode,
    ReleaseClaimFinalizer,
)
from engine.nodes.agent_pool import CloudError, PoolState
from engine.nodes.claim import (
    ClaimConditionType,
    ConditionStatus,
    NodeClaim,
    NodeClaimRef,
    NodeState,
)
from engine.nodes.observation import NodeObservation
from engine.nodes.phase import RESTING, NodePhase
from engine.nodes.reason import TERMINAL
from engine.nodes.refusals import BY_TELLING_CODE, BY_WRAPPING_CODE
from engine.nodes.step import HISTORY_LENGTH, node_step
from engine.setback import Setback
from engine.stepping import Step
from tests.engine.nodes.scenes import (
    A100,
    NAME,
    RETIRED,
    SPOT,
    UID,
    claim,
    node,
    nothing,
    pool,
    second_node,
)
from tests.engine.scenes import NOW

CODES = (*BY_TELLING_CODE, *BY_WRAPPING_CODE, "OperationNotAllowed", "SomethingNew", "")
STEPS_DONE = (
    ClaimConditionType.LAUNCHED,
    ClaimConditionType.REGISTERED,
    ClaimConditionType.INITIALIZED,
)
GIVEN_BACK = (NodePhase.FAILED, NodePhase.DRAINING, NodePhase.TERMINATING)
BACK_TO_WORK = (NodePhase.REQUESTED, NodePhase.LAUNCHING)

errors = st.sampled_from(
    [None]
    + [
        CloudError(status=status, code=code)
        for status in (200, 400, 401, 403, 404, 408, 409, 412, 429, 500)
        for code in CODES
    ]
)
states = st.sampled_from([*PoolState, PoolState.SUCCEEDED, PoolState.CREATING])
pools = st.builds(
    pool,
    states,
    owner=st.sampled_from((UID, UID, UID, "another")),
    count=st.sampled_from((1, 1, 0)),
    stopped=st.sampled_from((False, False, True)),
    error=errors,
)
nodes = st.sampled_from(
    [
        (),
        (node(),),
        (node(pods=2),),
        (node(ready=False, cordoned=True),),
        (node(gpus=1),),
        (node(problems=("XIDErrors",)),),
        (node(provider_id=""),),
        (node(releasing=True),),
        (node(), second_node()),
        (node(ready=False), second_node(releasing=True)),
    ]
)
setbacks = st.sampled_from([(), (Setback(action="DrainNode", code="429", message="no"),)])
observations = st.builds(
    nothing, pool=st.none() | pools, nodes=nodes, refusal=errors, setbacks=setbacks
)
looks = st.lists(
    st.tuples(observations, st.integers(0, 1200), st.booleans(), st.booleans()), max_size=12
)
"""What is seen, how many seconds later, and whether the finalizer is there and is to go."""

requests = st.sampled_from(
    [
        replace(claim(NodePhase.REQUESTED, spec), machine=NodeState(since=NOW), ref=ref)
        for spec in (A100, A100, SPOT, RETIRED, replace(A100, instance_type=""))
        for ref in (NodeClaimRef(name=NAME), NodeClaimRef(name="Not-A-Pool"))
    ]
)


def life(request: NodeClaim, seen_in_turn) -> list[tuple[NodeClaim, NodeObservation, Step]]:
    """Each step, with what it began from and what it saw."""
    of, at, lived = request, NOW, []
    for seen, seconds, held, going in seen_in_turn:
        at += timedelta(seconds=seconds)
        gone = of.deletion_requested or (at if going else None)
        of = replace(of, finalizer_held=held, deletion_requested=gone)
        looked = replace(seen, at=at)
        made = node_step(of, looked)
        lived.append((of, looked, made))
        of = made.next
    return lived


def actions(made: Step, *kinds: type) -> list:
    return [action for action in made.actions if isinstance(action, kinds)]


def whose(seen: NodeObservation) -> str | None:
    return None if seen.pool is None else seen.pool.owner


@settings(deadline=None)
@given(requests, looks)
def test_it_always_knows_when_to_look_again(request, seen_in_turn):
    for before, seen, made in life(request, seen_in_turn):
        moved = made.next.machine.phase is not before.machine.phase
        assert made.wake_at == seen.at if moved else made.wake_at > seen.at


@settings(deadline=None)
@given(requests, looks)
def test_it_waits_for_nothing_without_end_but_for_a_pool_that_somebody_stopped(
    request, seen_in_turn
):
    for _, seen, made in life(request, seen_in_turn):
        state = made.next.machine
        stopped = seen.pool is not None and seen.pool.stopped
        assert (state.deadline is None) == (state.phase in RESTING) or stopped
        assert bool(state.waiting_for) or state.phase in RESTING


@settings(deadline=None)
@given(requests, looks)
def test_a_claim_that_failed_says_why_for_good(request, seen_in_turn):
    reason = None
    for _, _, made in life(request, seen_in_turn):
        state = made.next.machine
        if state.phase is NodePhase.FAILED:
            assert state.reason in TERMINAL
            assert state.remedy
            assert state.reason == (reason or state.reason)
            reason = state.reason
        else:
            assert reason is None or state.phase in GIVEN_BACK


@settings(deadline=None)
@given(requests, looks)
def test_what_is_given_back_is_never_made_again(request, seen_in_turn):
    over = False
    for _, seen, made in life(request, seen_in_turn):
        over = over or made.next.machine.phase in GIVEN_BACK
        made_now = actions(made, CreateAgentPool)
        assert not (made_now and (over or seen.pool or seen.nodes))
        assert not (over and made.next.machine.phase in BACK_TO_WORK)


@settings(deadline=None)
@given(requests, looks)
def test_what_is_anothers_is_left_alone(request, seen_in_turn):
    for _, seen, made in life(request, seen_in_turn):
        if whose(seen) not in (None, UID):
            assert not actions(made, CreateAgentPool, DeleteAgentPool, DeleteNode, DrainNode)


@settings(deadline=None)
@given(requests, looks)
def test_the_finalizer_guards_all_that_is_its_own(request, seen_in_turn):
    for before, seen, made in life(request, seen_in_turn):
        made_or_deleted = actions(made, CreateAgentPool)
        assert before.finalizer_held or before.deletion_requested or not made_or_deleted
        if actions(made, ReleaseClaimFinalizer):
            assert before.deletion_requested is not None
            assert whose(seen) != UID
            assert whose(seen) is not None or not seen.nodes


@settings(deadline=None)
@given(requests, looks)
def test_a_step_once_done_stays_done(request, seen_in_turn):
    done: set[ClaimConditionType] = set()
    for _, _, made in life(request, seen_in_turn):
        state = made.next.machine
        true = {c.type for c in state.conditions if c.status is ConditionStatus.TRUE}
        assert done <= true
        done |= true.intersection(STEPS_DONE)
        assert (ClaimConditionType.READY in true) == (state.phase is NodePhase.READY)


@settings(deadline=None)
@given(requests, looks)
def test_conditions_change_their_instant_with_their_status_and_never_otherwise(
    request, seen_in_turn
):
    for before, seen, made in life(request, seen_in_turn):
        earlier = {c.type: c for c in before.machine.conditions}
        for condition in made.next.machine.conditions:
            known = earlier.get(condition.type)
            same = known is not None and known.status is condition.status
            assert condition.since == (known.since if same else seen.at)


@settings(deadline=None)
@given(requests, looks)
def test_its_history_is_what_it_went_through(request, seen_in_turn):
    for before, seen, made in life(request, seen_in_turn):
        state = made.next.machine
        assert len(state.history) <= HISTORY_LENGTH
        if state.phase is not before.machine.phase:
            last = state.history[-1]
            assert (last.source, last.destination) == (before.machine.phase, state.phase)
            assert last.at == state.since == seen.at
