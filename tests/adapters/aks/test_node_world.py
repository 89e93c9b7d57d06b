"""The machines behind node claims: on the real client and the simulated Kubernetes API over HTTP,
with the pools in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from adapters.aks.node_world import AksNodeWorld
from adapters.aks.pool_copy import ListIntervals
from adapters.kubernetes.kinds import DAEMON_SET, NODE, NODE_CLAIM, POD, Kind
from adapters.kubernetes.node_claims import KubernetesNodeClaims
from adapters.kubernetes.objects import KubernetesObjects
from engine.errors import ActionFailed, NotFound, Unreachable
from engine.nodes.action import (
    CreateAgentPool,
    DeleteAgentPool,
    DeleteNode,
    DrainNode,
    HoldClaimFinalizer,
    LabelNode,
    ReleaseClaimFinalizer,
)
from engine.nodes.agent_pool import AgentPool, CloudError, CloudRefused, PoolState
from engine.nodes.claim import FINALIZER, NodeClaim, NodeClaimRef
from engine.nodes.duties import pool_request
from engine.nodes.phase import NodePhase
from simulator.clock import SystemClock
from tests.adapters.aks.kept_pools import KeptPools
from tests.adapters.kubernetes.conftest import connected, simulated
from tests.adapters.kubernetes.node_claim_objects import node, node_claim, pod

NAME = "ws1"
NO_CLUSTER = CloudRefused(CloudError(status=404, code="ResourceNotFound", message="no cluster"))
QUOTA = CloudRefused(CloudError(status=400, code="QuotaExceeded", message="no cores left"))
BUDGET = Kind(
    group="policy", version="v1", name="PodDisruptionBudget", plural="poddisruptionbudgets"
)
QUICKLY = ListIntervals(moving=0.02, resting=0.02, least=0.01)


@dataclass
class Place:
    objects: KubernetesObjects
    pools: KeptPools
    world: AksNodeWorld
    claims: KubernetesNodeClaims

    async def made(self, phase: NodePhase = NodePhase.LAUNCHING, name: str = NAME) -> NodeClaim:
        """A claim in the cluster, as its machine would have brought it to ``phase``."""
        await self.objects.create(NODE_CLAIM, node_claim(name))
        return await self.at(phase, name)

    async def at(self, phase: NodePhase, name: str = NAME) -> NodeClaim:
        claim = await self.claims.get(NodeClaimRef(name=name))
        return replace(claim, machine=replace(claim.machine, phase=phase))

    async def create(self, claim: NodeClaim) -> None:
        await self.world.perform(claim, CreateAgentPool(request=pool_request(claim)))

    async def finalizers(self) -> list[str]:
        item = await self.objects.get(NODE_CLAIM, NAME)
        return item["metadata"].get("finalizers", [])

    async def pods(self) -> set[str]:
        """Those that nobody asked to leave: without a kubelet, none is ever gone."""
        items, _ = await self.objects.list_all(POD)
        staying = [
            item["metadata"] for item in items if "deletionTimestamp" not in item["metadata"]
        ]
        return {metadata["name"] for metadata in staying}

    async def seen(self, claim: NodeClaim, told: Callable) -> None:
        async with asyncio.timeout(5):
            while not told(await self.world.observe(claim)):  # noqa: ASYNC110 - as drivers look
                await asyncio.sleep(0.01)


@asynccontextmanager
async def place(pools: KeptPools) -> AsyncIterator[Place]:
    api_server = simulated()
    async with connected(api_server) as objects:
        world = AksNodeWorld(objects, pools, clock=SystemClock(), intervals=QUICKLY)
        running = asyncio.create_task(world.run())
        yield Place(objects, pools, world, KubernetesNodeClaims(objects))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    api_server.close()


@pytest.fixture
async def aks() -> AsyncIterator[Place]:
    async with place(KeptPools()) as made:
        yield made


class TestCreating:
    async def test_a_pool_that_was_made_is_seen_at_once(self, aks):
        claim = await aks.made()
        aks.pools.unlisted.add(NAME)
        await aks.create(claim)
        seen = await aks.world.observe(claim)
        assert (seen.pool.state, seen.pool.owner) == (PoolState.CREATING, claim.uid)

    async def test_a_pool_whose_answer_was_lost_is_adopted_and_not_made_twice(self, aks):
        claim = await aks.made()
        aks.pools.unlisted.add(NAME)
        aks.pools.answer_lost = True
        with pytest.raises(ActionFailed, match="connection was lost"):
            await aks.create(claim)
        await aks.create(claim)
        assert (await aks.world.observe(claim)).pool.owner == claim.uid
        assert list(aks.pools.held) == [NAME]

    async def test_a_pool_of_somebody_else_is_seen_and_left_as_it_is(self, aks):
        foreign = aks.pools.put(AgentPool(name=NAME, state=PoolState.SUCCEEDED, owner="another"))
        claim = await aks.made()
        await aks.create(claim)
        assert (await aks.world.observe(claim)).pool == foreign
        assert aks.pools.held[NAME] == foreign

    async def test_a_refusal_is_observed_until_azure_says_yes(self, aks):
        claim = await aks.made()
        aks.pools.failure = QUOTA
        with pytest.raises(ActionFailed) as failed:
            await aks.create(claim)
        assert failed.value.code == "QuotaExceeded"
        assert (await aks.world.observe(claim)).refusal == QUOTA.error
        aks.pools.failure = None
        await aks.create(claim)
        assert (await aks.world.observe(claim)).refusal is None

    async def test_a_refusal_is_of_one_claim_and_of_none_that_bears_its_name_later(self, aks):
        claim = await aks.made()
        aks.pools.failure = QUOTA
        with pytest.raises(ActionFailed):
            await aks.create(claim)
        aks.pools.failure = None
        successor = replace(claim, uid="another-uid")
        assert (await aks.world.observe(successor)).refusal is None

    async def test_a_silence_is_no_refusal(self, aks):
        claim = await aks.made()
        aks.pools.failure = Unreachable("no answer")
        with pytest.raises(ActionFailed) as failed:
            await aks.create(claim)
        assert failed.value.code == "Unreachable"
        assert (await aks.world.observe(claim)).refusal is None


class TestObserving:
    async def test_nodes_are_found_by_their_pools_label(self, aks):
        claim = await aks.made()
        await aks.objects.create(NODE, node(NAME, "aks-ws1-0"))
        await aks.objects.create(NODE, node("other", "aks-other-0"))
        await aks.seen(claim, lambda seen: [one.name for one in seen.nodes] == ["aks-ws1-0"])

    async def test_a_node_that_is_gone_is_not_observed_any_more(self, aks):
        claim = await aks.made()
        await aks.objects.create(NODE, node(NAME, "aks-ws1-0"))
        await aks.seen(claim, lambda seen: len(seen.nodes) == 1)
        await aks.objects.delete(NODE, "aks-ws1-0")
        await aks.seen(claim, lambda seen: seen.nodes == ())

    @pytest.mark.parametrize("phase", [NodePhase.REGISTERING, NodePhase.READY, NodePhase.FAILED])
    async def test_a_pool_that_a_list_misses_is_looked_for_by_its_name(self, aks, phase):
        claim = await aks.made(phase)
        aks.pools.put(AgentPool(name=NAME, state=PoolState.SUCCEEDED, owner=claim.uid))
        aks.pools.unlisted.add(NAME)
        assert (await aks.world.observe(claim)).pool.owner == claim.uid

    @pytest.mark.parametrize("phase", [NodePhase.REQUESTED, NodePhase.LAUNCHING])
    async def test_a_pool_that_may_not_be_there_yet_costs_no_request(self, aks, phase):
        claim = await aks.made(phase)
        assert (await aks.world.observe(claim)).pool is None
        assert f"get {NAME}" not in aks.pools.asked

    async def test_a_pool_of_which_azure_will_not_tell_is_neither_there_nor_gone(self, aks):
        claim = await aks.made(NodePhase.READY)
        aks.pools.failure = NO_CLUSTER
        pool = (await aks.world.observe(claim)).pool
        assert (pool.state, pool.owner) == (PoolState.UNKNOWN, claim.uid)
        assert "ResourceNotFound" in pool.told

    async def test_a_launch_is_not_held_up_by_pools_that_cannot_be_listed(self):
        """What hinders the list hinders the creation too, which is where it is told by name."""
        async with place(KeptPools(failure=NO_CLUSTER)) as aks:
            claim = await aks.made()
            async with asyncio.timeout(5):
                await aks.world.observe(claim)
            with pytest.raises(ActionFailed):
                await aks.create(claim)
            assert (await aks.world.observe(claim)).refusal == NO_CLUSTER.error

    async def test_what_changes_is_told_by_the_claims_name(self, aks):
        changes = aks.world.changes()
        await aks.made()
        await aks.objects.create(NODE, node(NAME, "aks-ws1-0"))
        async with asyncio.timeout(5):
            assert await anext(changes) == NodeClaimRef(name=NAME)
        aks.pools.put(AgentPool(name="ws2", state=PoolState.CREATING, owner="u"))
        async with asyncio.timeout(5):
            assert await anext(changes) == NodeClaimRef(name="ws2")

    async def test_pods_are_counted_only_where_they_are_waited_for(self, aks):
        claim = await aks.made(NodePhase.READY)
        aks.pools.put(AgentPool(name=NAME, state=PoolState.SUCCEEDED, owner=claim.uid))
        await aks.objects.create(NODE, node(NAME, "aks-ws1-0"))
        await aks.objects.create(POD, pod("model", "aks-ws1-0"))
        await aks.seen(claim, lambda seen: [one.pods for one in seen.nodes] == [0])
        going = replace(claim, deletion_requested=claim.created)
        await aks.seen(going, lambda seen: [one.pods for one in seen.nodes] == [1])


CONTAINERS = {"containers": [{"name": "main", "image": "example.org/a:1"}]}
EXPORTER = {
    "apiVersion": "apps/v1",
    "kind": "DaemonSet",
    "metadata": {"name": "exporter", "namespace": "default"},
    "spec": {
        "selector": {"matchLabels": {"app": "exporter"}},
        "template": {"metadata": {"labels": {"app": "exporter"}}, "spec": CONTAINERS},
    },
}


class TestDraining:
    @pytest.fixture
    async def busy(self, aks):
        await aks.objects.create(NODE, node(NAME, "aks-ws1-0"))
        await aks.objects.create(NODE, node("other", "aks-other-0"))
        await aks.objects.create(POD, pod("model", "aks-ws1-0"))
        await aks.objects.create(POD, pod("elsewhere", "aks-other-0"))
        made = await aks.objects.create(DAEMON_SET, EXPORTER)
        owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "exporter"}
        owners = [{**owner, "uid": made["metadata"]["uid"]}]
        await aks.objects.create(POD, pod("exporter", "aks-ws1-0", ownerReferences=owners))
        return aks

    async def test_new_pods_are_kept_off_and_those_there_evicted(self, busy):
        claim = await busy.made(NodePhase.DRAINING)
        await busy.world.perform(claim, DrainNode(node="aks-ws1-0"))
        item = await busy.objects.get(NODE, "aks-ws1-0")
        assert item["spec"]["unschedulable"] is True
        assert await busy.pods() == {"elsewhere", "exporter"}

    async def test_a_disruption_budget_is_waited_for(self, busy):
        budget = {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "model", "namespace": "default"},
            "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "model"}}},
        }
        await busy.objects.create(BUDGET, budget)
        await busy.objects.create(POD, pod("bystander", "aks-ws1-0"))
        claim = await busy.made(NodePhase.DRAINING)
        with pytest.raises(ActionFailed, match="disruption budget"):
            await busy.world.perform(claim, DrainNode(node="aks-ws1-0"))
        assert await busy.pods() == {"elsewhere", "exporter", "model"}
        allowed = {"status": {"disruptionsAllowed": 1}}
        await busy.objects.merge(BUDGET, "model", "default", allowed, subresource="status")
        await busy.world.perform(claim, DrainNode(node="aks-ws1-0"))
        assert "model" not in await busy.pods()

    async def test_draining_twice_is_draining_once(self, busy):
        claim = await busy.made(NodePhase.DRAINING)
        for _ in range(2):
            await busy.world.perform(claim, DrainNode(node="aks-ws1-0"))
        assert await busy.pods() == {"elsewhere", "exporter"}


class TestDeleting:
    async def test_a_pool_that_changed_since_it_was_seen_is_looked_at_again_first(self, aks):
        claim = await aks.made(NodePhase.TERMINATING)
        seen = aks.pools.put(AgentPool(name=NAME, state=PoolState.CREATING, owner=claim.uid))
        aks.pools.put(replace(seen, state=PoolState.SUCCEEDED))
        aks.pools.unlisted.add(NAME)
        await aks.world.perform(claim, DeleteAgentPool(pool=seen))
        assert aks.pools.held[NAME].state is PoolState.SUCCEEDED
        assert (await aks.world.observe(claim)).pool == aks.pools.held[NAME]

    @pytest.mark.parametrize("ignoring", [False, True])
    async def test_budgets_are_ignored_only_where_the_machine_says_so(self, aks, ignoring):
        claim = await aks.made(NodePhase.TERMINATING)
        seen = aks.pools.put(AgentPool(name=NAME, state=PoolState.SUCCEEDED, owner=claim.uid))
        await aks.world.perform(
            claim, DeleteAgentPool(pool=seen, ignore_disruption_budgets=ignoring)
        )
        said = f"delete {NAME} ignoring budgets" if ignoring else f"delete {NAME}"
        assert said in aks.pools.asked
        await aks.seen(claim, lambda seen: seen.pool.state is PoolState.DELETING)

    async def test_a_node_is_deleted_by_its_uid(self, aks):
        claim = await aks.made(NodePhase.TERMINATING)
        made = await aks.objects.create(NODE, node(NAME, "aks-ws1-0"))
        with pytest.raises(ActionFailed):
            await aks.world.perform(claim, DeleteNode(name="aks-ws1-0", uid="former"))
        await aks.world.perform(claim, DeleteNode(name="aks-ws1-0", uid=made["metadata"]["uid"]))
        assert (await aks.objects.list_all(NODE))[0] == []

    async def test_a_pool_of_nobody_is_released_whatever_runs_on_it(self, aks):
        lost = aks.pools.put(AgentPool(name="lost", state=PoolState.SUCCEEDED, owner="gone"))
        aks.pools.put(AgentPool(name="system", state=PoolState.SUCCEEDED))
        assert await aks.world.inventory() == [lost]
        await aks.world.release(lost)
        assert "delete lost ignoring budgets" in aks.pools.asked

    async def test_an_inventory_that_azure_refuses_is_none(self, aks):
        aks.pools.failure = NO_CLUSTER
        with pytest.raises(Unreachable):
            await aks.world.inventory()


class TestFinalizer:
    async def held(self, aks) -> NodeClaim:
        claim = await aks.made()
        await aks.world.perform(claim, HoldClaimFinalizer())
        return await aks.at(NodePhase.TERMINATING)

    async def test_it_is_held_once_beside_those_of_others(self, aks):
        claim = await aks.made()
        await aks.objects.merge(NODE_CLAIM, NAME, "", {"metadata": {"finalizers": ["a.b/c"]}})
        for _ in range(2):
            await aks.world.perform(claim, HoldClaimFinalizer())
        assert await aks.finalizers() == ["a.b/c", FINALIZER]

    async def test_it_is_let_go_alone_and_the_claim_with_it(self, aks):
        claim = await self.held(aks)
        await aks.objects.delete(NODE_CLAIM, NAME)
        await aks.world.perform(claim, ReleaseClaimFinalizer())
        with pytest.raises(NotFound):
            await aks.claims.get(NodeClaimRef(name=NAME))

    async def test_it_stays_while_azure_still_has_the_pool_whatever_lists_say(self, aks):
        claim = await self.held(aks)
        aks.pools.put(AgentPool(name=NAME, state=PoolState.DELETING, owner=claim.uid))
        aks.pools.unlisted.add(NAME)
        with pytest.raises(ActionFailed, match="still there"):
            await aks.world.perform(claim, ReleaseClaimFinalizer())
        assert await aks.finalizers() == [FINALIZER]

    async def test_it_stays_while_azure_cannot_be_asked(self, aks):
        claim = await self.held(aks)
        aks.pools.failure = NO_CLUSTER
        with pytest.raises(ActionFailed):
            await aks.world.perform(claim, ReleaseClaimFinalizer())
        assert await aks.finalizers() == [FINALIZER]

    async def test_anothers_pool_of_the_name_holds_nobody(self, aks):
        claim = await self.held(aks)
        aks.pools.put(AgentPool(name=NAME, state=PoolState.SUCCEEDED, owner="another"))
        await aks.world.perform(claim, ReleaseClaimFinalizer())
        assert await aks.finalizers() == []

    async def test_a_claim_that_was_made_again_keeps_its_own(self, aks):
        former = await self.held(aks)
        with pytest.raises(ActionFailed, match="made again"):
            await aks.world.perform(replace(former, uid="former"), ReleaseClaimFinalizer())
        assert await aks.finalizers() == [FINALIZER]


async def test_labels_are_put_on_the_node_beside_those_it_has(aks):
    claim = await aks.made(NodePhase.READY)
    await aks.objects.create(NODE, node(NAME, "aks-ws1-0"))
    labels = {"karpenter.sh/registered": "true"}
    await aks.world.perform(claim, LabelNode(node="aks-ws1-0", labels=labels))
    item = await aks.objects.get(NODE, "aks-ws1-0")
    assert item["metadata"]["labels"] == {"agentpool": NAME, **labels}
