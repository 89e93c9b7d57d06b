"""Many pools at once, in virtual time at AKS's own pace, with the buckets that AKS publishes."""

import asyncio
from collections import Counter

from adapters.aks.agent_pools import AksAgentPools
from adapters.aks.client import ManagedCluster
from adapters.aks.pool_copy import PoolCopy
from engine.nodes.agent_pool import AgentPoolRequest, PoolState
from simulator.azure.messages import Answer, Handle, Request
from tests.simulator.azure.azure_world import A100, PLACE, AzureWorld, play

MANY = 50


class Counting:
    """A network that counts what it carries."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.throttled = 0

    async def __call__(self, request: Request, handle: Handle) -> Answer:
        await asyncio.sleep(0.05)
        answer = await handle(request)
        self.requests[request.method] += 1
        self.throttled += answer.status == 429
        return answer


def test_fifty_pools_cost_one_write_each_and_a_list_each_half_minute():
    network = Counting()

    async def scenario(world: AzureWorld) -> None:
        place = ManagedCluster(
            subscription=PLACE.subscription,
            resource_group=PLACE.resource_group,
            name=PLACE.name,
            location=PLACE.region,
        )
        pools = AksAgentPools(world.client, place)
        copy = PoolCopy(pools, on_change=lambda _: None)
        running = asyncio.create_task(copy.run())

        async def make(number: int) -> None:
            request = AgentPoolRequest(name=f"ws{number}", owner=f"uid-{number}", vm_size=A100)
            await pools.create(request)
            copy.soon()

        await asyncio.gather(*(make(number) for number in range(MANY)))
        await asyncio.sleep(600)
        made = [copy.get(f"ws{number}") for number in range(MANY)]
        assert [pool.state for pool in made] == [PoolState.SUCCEEDED] * MANY
        assert network.requests["PUT"] == MANY
        # A list of 50 pools is three pages; about one list each half minute, then each two minutes.
        assert network.requests["GET"] <= 3 * 14

        await asyncio.gather(*(pools.delete(pool) for pool in made))
        copy.soon()
        await asyncio.sleep(600)
        assert [copy.get(pool.name) for pool in made] == [None] * MANY
        assert network.requests["DELETE"] == MANY
        running.cancel()

    play(scenario, carry=network)
    assert network.throttled == 0
