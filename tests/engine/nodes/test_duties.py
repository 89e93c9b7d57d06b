"""What a node claim's phases ask of the world."""

from datetime import timedelta

import pytest

from engine.nodes.action import (
    AbortPoolOperation,
    CreateAgentPool,
    DeleteAgentPool,
    DeleteNode,
    DrainNode,
    HoldClaimFinalizer,
    LabelNode,
    ReleaseClaimFinalizer,
)
from engine.nodes.agent_pool import AgentPoolRequest, PoolState, Taint
from engine.nodes.deadlines import BUDGETS_RESPECTED
from engine.nodes.duties import node_duties
from engine.nodes.observation import NodeObservation
from engine.nodes.phase import NodePhase
from tests.engine.nodes.scenes import (
    NAME,
    SPOT,
    STARTING_UP,
    UID,
    UNDELETED,
    WITHOUT_GPU,
    claim,
    going,
    node,
    nothing,
    pool,
    replace,
    second_node,
    working,
)

P = NodePhase
FOREIGN = pool(owner="another", etag="6b6b")
OVERDUE = nothing().at + BUDGETS_RESPECTED


def asked(phase: NodePhase, seen: NodeObservation, **more) -> tuple:
    return node_duties(replace(claim(phase), **more), seen)


def creations(actions) -> list[CreateAgentPool]:
    return [action for action in actions if isinstance(action, CreateAgentPool)]


@pytest.mark.parametrize("phase", UNDELETED)
@pytest.mark.parametrize("seen", [nothing(), working(), nothing(pool=pool(PoolState.FAILED))])
def test_nothing_is_done_for_a_claim_that_could_vanish_unseen(phase, seen):
    assert asked(phase, seen, finalizer_held=False) == (HoldClaimFinalizer(),)


@pytest.mark.parametrize("phase", P)
def test_no_finalizer_is_added_to_what_is_being_deleted(phase):
    actions = node_duties(replace(going(claim(phase)), finalizer_held=False), nothing())
    assert HoldClaimFinalizer() not in actions


def test_the_pool_that_is_asked_for_is_what_the_claim_says():
    spec = replace(SPOT, disk_gib=300, os_sku="AzureLinux", zones=("2",))
    (action,) = node_duties(claim(P.LAUNCHING, spec), nothing())
    assert action.request == AgentPoolRequest(
        name=NAME,
        owner=UID,
        vm_size=spec.instance_type,
        capacity_type=spec.capacity_type,
        os_sku="AzureLinux",
        disk_gib=300,
        zones=("2",),
        labels=spec.labels,
        taints=spec.taints,
    )


def test_startup_taints_are_on_the_node_from_its_first_moment():
    (action,) = node_duties(claim(P.LAUNCHING, STARTING_UP), nothing())
    assert action.request.taints == (Taint(key="sku", value="gpu"), *STARTING_UP.startup_taints)


@pytest.mark.parametrize(
    "seen",
    [
        nothing(pool=pool(PoolState.CREATING)),
        nothing(pool=FOREIGN),
        nothing(pool=pool(PoolState.DELETING)),
        nothing(nodes=(node(),)),
        nothing(nodes=(node(releasing=True),)),
    ],
    ids=["its own pool", "another's pool", "a pool on its way out", "an old node", "one leaving"],
)
def test_no_pool_is_made_while_anything_of_its_name_is_there(seen):
    assert asked(P.LAUNCHING, seen) == ()


@pytest.mark.parametrize("phase", [p for p in P if p is not P.LAUNCHING])
@pytest.mark.parametrize("seen", [nothing(), working()])
def test_only_launching_makes_pools(phase, seen):
    assert creations(asked(phase, seen)) == []


@pytest.mark.parametrize("phase", P)
@pytest.mark.parametrize("at", [nothing().at, OVERDUE])
def test_anothers_pool_of_the_same_name_and_its_nodes_are_never_touched(phase, at):
    actions = asked(phase, working(pool=FOREIGN, nodes=(node(pods=3),), at=at))
    forbidden = CreateAgentPool | DeleteAgentPool | DeleteNode | DrainNode
    assert not any(isinstance(action, forbidden) for action in actions)


def test_a_failed_claim_gives_its_pool_back_as_it_was_seen():
    failed = pool(PoolState.FAILED)
    assert asked(P.FAILED, nothing(pool=failed)) == (DeleteAgentPool(pool=failed),)


def test_a_failed_claim_keeps_its_finalizer():
    assert asked(P.FAILED, nothing()) == ()


def test_a_machine_that_joins_after_its_pool_was_given_back_goes_too():
    assert asked(P.FAILED, nothing(nodes=(node(),))) == (DeleteNode(name=node().name, uid="n0"),)


def test_a_pool_that_is_going_is_not_asked_to_go_again():
    assert asked(P.TERMINATING, working(pool=pool(PoolState.DELETING))) == ()


@pytest.mark.parametrize("phase", [P.FAILED, P.TERMINATING])
def test_disruption_budgets_are_ignored_only_after_their_time(phase):
    def ignored(at) -> bool:
        (action,) = asked(phase, nothing(pool=pool(), at=at))
        return action.ignore_disruption_budgets

    since = claim(phase).machine.since
    assert not ignored(since + BUDGETS_RESPECTED - timedelta(seconds=1))
    assert ignored(since + BUDGETS_RESPECTED)


@pytest.mark.parametrize("phase", [P.FAILED, P.TERMINATING])
def test_what_aks_is_at_and_does_not_end_is_aborted_once_it_is_overdue(phase):
    since = claim(phase).machine.since
    upgrading = pool(PoolState.CHANGING)
    before = asked(phase, nothing(pool=upgrading, at=since))
    assert [type(action) for action in before] == [DeleteAgentPool]
    late = since + BUDGETS_RESPECTED
    first, second = asked(phase, nothing(pool=upgrading, at=late))
    assert first == AbortPoolOperation(pool=upgrading)
    assert isinstance(second, DeleteAgentPool)
    canceling = asked(phase, nothing(pool=pool(PoolState.CANCELING), at=late))
    assert [type(action) for action in canceling] == [DeleteAgentPool]


def test_every_own_node_is_drained_until_it_is_empty_and_cordoned():
    empty, uncordoned = node(cordoned=True), second_node()
    assert asked(P.DRAINING, working(nodes=(empty, uncordoned))) == (
        DrainNode(node=uncordoned.name),
    )
    assert asked(P.DRAINING, working(nodes=(node(cordoned=True, pods=1),))) == (
        DrainNode(node=node().name),
    )


@pytest.mark.parametrize(
    "left",
    [
        nothing(pool=pool()),
        nothing(pool=pool(PoolState.DELETING)),
        nothing(nodes=(node(),)),
        nothing(nodes=(node(releasing=True),)),
    ],
    ids=["its pool", "its pool, going", "its node", "its node, going"],
)
def test_the_finalizer_stays_while_anything_is_left(left):
    assert ReleaseClaimFinalizer() not in asked(P.TERMINATING, left)


def test_the_finalizer_goes_when_nothing_is_left():
    assert asked(P.TERMINATING, nothing()) == (ReleaseClaimFinalizer(),)


def test_the_finalizer_goes_where_all_that_is_left_is_anothers():
    assert asked(P.TERMINATING, working(pool=FOREIGN)) == (ReleaseClaimFinalizer(),)


@pytest.mark.parametrize("phase", [p for p in P if p is not P.TERMINATING])
def test_only_terminating_lets_go(phase):
    assert ReleaseClaimFinalizer() not in asked(phase, nothing())


def test_a_node_is_marked_as_registered_with_the_claims_labels():
    (action,) = asked(P.INITIALIZING, working())
    labels = {
        "apps": "phi-4",
        "karpenter.sh/capacity-type": "on-demand",
        "karpenter.sh/registered": "true",
        "accelerator": "nvidia",
    }
    assert action == LabelNode(node=node().name, labels=labels)


def test_a_node_without_gpus_is_not_said_to_have_an_accelerator():
    (action,) = node_duties(claim(P.INITIALIZING, WITHOUT_GPU), working())
    assert "accelerator" not in action.labels


def test_only_labels_that_are_missing_are_put_back():
    present = {
        "apps": "somebody-else",
        "karpenter.sh/capacity-type": "on-demand",
        "karpenter.sh/registered": "true",
        "karpenter.sh/initialized": "true",
        "accelerator": "nvidia",
    }
    (action,) = asked(P.READY, working(nodes=(node(labels=present),)))
    assert action == LabelNode(node=node().name, labels={"apps": "phi-4"})


def test_a_node_is_marked_as_initialized_once_it_is_ready():
    initialized = LabelNode(node=node().name, labels={"karpenter.sh/initialized": "true"})
    assert initialized in asked(P.READY, working())
    assert initialized not in asked(P.INITIALIZING, working())
