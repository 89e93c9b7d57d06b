"""The questions that the node claim's table asks."""

from datetime import timedelta

import pytest

from engine.nodes import guards
from engine.nodes.agent_pool import PoolState
from engine.nodes.claim import NodeClaimRef
from engine.nodes.phase import NodePhase
from tests.engine.nodes.scenes import (
    GPUS,
    STARTING_UP,
    WITHOUT_GPU,
    claim,
    node,
    nothing,
    pool,
    replace,
    second_node,
    working,
)

INITIALIZING = claim(NodePhase.INITIALIZING)


@pytest.mark.parametrize("name", ["w", "ws0a1b2c3d4e", "abcdefghijkl"])
def test_a_pool_can_have_the_name(name):
    assert guards.flaw(replace(INITIALIZING, ref=NodeClaimRef(name=name))) == ""


@pytest.mark.parametrize("name", ["", "0ws", "ws-1", "Ws1", "abcdefghijklm", "ws\n"])
def test_a_name_that_no_pool_can_have_is_a_flaw(name):
    assert "name" in guards.flaw(replace(INITIALIZING, ref=NodeClaimRef(name=name)))


def test_asking_for_no_instance_type_is_a_flaw():
    without = replace(INITIALIZING.spec, instance_type="")
    assert "instance type" in guards.flaw(replace(INITIALIZING, spec=without))


def test_a_pool_of_the_name_that_is_on_its_way_out_is_waited_for():
    former = pool(PoolState.DELETING, owner="former")
    assert not guards.name_taken(INITIALIZING, nothing(pool=former))
    assert guards.name_taken(INITIALIZING, nothing(pool=pool(owner="")))


@pytest.mark.parametrize(
    ("state", "launched"),
    [
        (PoolState.CREATING, False),
        (PoolState.SUCCEEDED, True),
        (PoolState.CHANGING, True),
        (PoolState.FAILED, False),
        (PoolState.DELETING, False),
    ],
)
def test_a_launch_is_over_once_aks_is_done_with_it(state, launched):
    assert guards.launched(INITIALIZING, nothing(pool=pool(state))) is launched


@pytest.mark.parametrize(
    "seen",
    [
        nothing(),
        nothing(pool=pool(owner="another")),
        nothing(pool=pool(PoolState.DELETING)),
        nothing(pool=pool(count=0)),
    ],
    ids=["no pool", "another's", "being deleted", "emptied"],
)
def test_a_machine_is_lost_with_its_pool_or_out_of_it(seen):
    assert guards.instance_lost(INITIALIZING, seen)


def test_a_failed_operation_on_a_pool_takes_no_machine_away():
    assert not guards.instance_lost(INITIALIZING, nothing(pool=pool(PoolState.FAILED)))


@pytest.mark.parametrize("gpus", [0, GPUS - 1])
def test_a_node_with_fewer_gpus_than_its_size_has_is_not_fit(gpus):
    assert not guards.fit(INITIALIZING, node(gpus=gpus))
    assert guards.fit(INITIALIZING, node(gpus=GPUS))


def test_a_size_that_is_not_in_the_table_has_a_gpu_if_it_is_of_the_n_series():
    unknown = replace(INITIALIZING.spec, instance_type="Standard_ND999_v9")
    assert guards.expected_gpus(replace(INITIALIZING, spec=unknown)) == 1
    assert guards.expected_gpus(replace(INITIALIZING, spec=WITHOUT_GPU)) == 0


@pytest.mark.parametrize("problem", ["GPUMissing", "XIDErrors", "GPUXIDErrors"])
def test_a_node_that_reports_a_gpu_fault_is_not_fit(problem):
    assert not guards.fit(INITIALIZING, node(problems=(problem,)))


@pytest.mark.parametrize("problem", ["NVLinkStatusInactive", "IBLinkFlapping"])
def test_a_broken_link_between_gpus_matters_only_where_there_are_several(problem):
    one = replace(INITIALIZING.spec, instance_type="Standard_NC24ads_A100_v4")
    assert not guards.fit(INITIALIZING, node(problems=(problem,)))
    assert guards.fit(replace(INITIALIZING, spec=one), node(problems=(problem,)))


@pytest.mark.parametrize("problem", ["GPUClockThrottling", "VMEventScheduled"])
def test_what_is_slow_or_announced_is_no_fault(problem):
    assert guards.fit(INITIALIZING, node(problems=(problem,)))


def test_a_node_is_not_fit_while_a_startup_taint_is_on_it():
    of = claim(NodePhase.INITIALIZING, STARTING_UP)
    assert not guards.fit(of, node(taints=("example.org/warming", "sku")))
    assert guards.fit(of, node(taints=("sku",)))


def test_a_node_on_its_way_out_is_not_the_node():
    leaving = node(releasing=True)
    assert guards.the_node(working(nodes=(leaving, second_node()))) == second_node()
    assert guards.the_node(working(nodes=(leaving,))) is None


def test_the_pods_of_anothers_pool_hinder_no_drain():
    seen = working(pool=pool(owner="another"), nodes=(node(pods=5),))
    assert guards.drained(INITIALIZING, seen)
    assert not guards.drained(INITIALIZING, working(nodes=(node(pods=5),)))


def test_what_was_fit_once_and_is_not_now_has_not_been_fit_for_a_while():
    long = claim(NodePhase.INITIALIZING, usable_since=nothing().at - timedelta(hours=1))
    assert guards.usable_for_a_while(long, working())
    assert not guards.usable_for_a_while(long, working(nodes=(node(ready=False),)))
