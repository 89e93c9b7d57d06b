"""How agent pools go: drained first, as disruption budgets allow, and whatever was under way."""

import asyncio
import math

import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError

from simulator.azure.fate import DeletionFate, GoodFortune
from tests.simulator.azure.azure_world import CLUSTER, GROUP, play, pool


def budget(**spec):
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "keep", "namespace": "default"},
        "spec": {"selector": {"matchLabels": {"app": "model"}}, **spec},
    }


def test_a_pool_that_goes_drains_its_node_and_then_is_not_found():
    async def scenario(world):
        await world.created()
        world.run_pod()
        await asyncio.sleep(60)
        await world.delete()
        assert await world.state() == "Deleting"
        await asyncio.sleep(1)
        assert world.node()["spec"]["unschedulable"]
        await asyncio.sleep(60)
        assert world.pods() == []
        assert len(world.nodes()) == 1
        await asyncio.sleep(150)
        assert (await world.names(), world.nodes()) == ([], [])

    play(scenario)


@pytest.mark.parametrize("rule", [{"minAvailable": 1}, {"maxUnavailable": 0}])
def test_a_budget_that_allows_no_eviction_fails_the_deletion_and_keeps_the_node(rule):
    async def scenario(world):
        await world.created()
        world.run_pod()
        world.objects.create(budget(**rule))
        await asyncio.sleep(60)
        await world.delete()
        await asyncio.sleep(590)
        assert (await world.state(), world.pods()) == ("Deleting", ["p0"])
        await asyncio.sleep(20)
        pool = await world.get()
        assert pool.provisioning_state == "Failed"
        assert pool.status.provisioning_error.code == "DeleteVMSSAgentPoolFailed"
        assert pool.status.provisioning_error.details[0].code == "PodDrainFailure"
        assert (len(world.nodes()), world.pods()) == (1, ["p0"])

    play(scenario)


def test_who_ignores_budgets_deletes_all_the_same():
    async def scenario(world):
        await world.created()
        world.run_pod()
        world.objects.create(budget(minAvailable=1))
        await asyncio.sleep(60)
        await world.delete(ignore_pod_disruption_budget=True)
        await asyncio.sleep(300)
        assert (await world.names(), world.nodes()) == ([], [])

    play(scenario)


def test_a_budget_that_is_lifted_lets_the_deletion_go_on():
    async def scenario(world):
        await world.created()
        world.run_pod()
        world.objects.create(budget(minAvailable=1))
        await asyncio.sleep(60)
        await world.delete()
        await asyncio.sleep(60)
        world.objects.delete("PodDisruptionBudget", "keep", "default")
        await asyncio.sleep(200)
        assert (await world.names(), world.nodes()) == ([], [])

    play(scenario)


def test_deleting_preempts_creating():
    async def scenario(world):
        poller = await world.pools.begin_create_or_update(
            GROUP, CLUSTER, "ws0", pool(), polling_interval=5
        )
        await asyncio.sleep(10)
        await world.delete()
        with pytest.raises(HttpResponseError) as preempted:
            await poller.result()
        assert preempted.value.error.code == "AKSOperationPreemptedByDelete"
        await asyncio.sleep(200)
        assert (await world.names(), world.nodes()) == ([], [])
        await asyncio.sleep(1000)
        assert world.nodes() == []

    play(scenario)


def test_a_second_deletion_is_refused_while_the_first_goes_on():
    async def scenario(world):
        await world.created()
        await world.delete()
        with pytest.raises(ResourceExistsError) as refused:
            await world.delete()
        assert (refused.value.status_code, refused.value.error.code) == (409, "OperationNotAllowed")

    play(scenario)


class NeverGoes(GoodFortune):
    def of_deletion(self, pool):
        return DeletionFate(delay=math.inf)


def test_a_deletion_that_is_stuck_ends_when_it_is_healed():
    async def scenario(world):
        await world.created()
        await world.delete()
        await asyncio.sleep(86400)
        assert await world.state() == "Deleting"
        world.cloud.mishaps.heal()
        await asyncio.sleep(200)
        assert (await world.names(), world.nodes()) == ([], [])

    play(scenario, fate=NeverGoes())


def test_what_was_aborted_is_canceled_and_not_rolled_back():
    async def scenario(world):
        await world.create()
        await asyncio.sleep(10)
        await world.pools.begin_abort_latest_operation(GROUP, CLUSTER, "ws0", polling=False)
        assert await world.state() == "Canceling"
        await asyncio.sleep(70)
        assert await world.state() == "Canceled"
        await asyncio.sleep(200)
        assert len(world.nodes()) == 1
        with pytest.raises(HttpResponseError) as refused:
            await world.pools.begin_abort_latest_operation(GROUP, CLUSTER, "ws0", polling=False)
        assert refused.value.status_code == 409

    play(scenario)
