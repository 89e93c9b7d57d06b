"""What the preflight says of Azure: by the real SDK, of the simulated Azure and of recorded ARM."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from adapters.aks.client import ManagedCluster
from engine.nodes.agent_pool import AgentPoolRequest
from moorage.azure_access import azure_access
from moorage.preflight import aks
from moorage.preflight.finding import Level
from simulator.azure.cloud import AzureOptions
from simulator.azure.offers import Offers
from tests.adapters.aks.recorded_arm import cluster_at, recorded_arm
from tests.adapters.aks.simulated_arm import FAST, simulated_arm


@asynccontextmanager
async def azure(options=None, **changed):
    """A simulated Azure; the place that it is asked for is changed in those respects."""
    async with (
        simulated_arm(options) as arm,
        azure_access(replace(arm.place, **changed)) as access,
    ):
        yield access


async def test_a_cluster_that_runs_is_fine():
    async with azure() as access:
        found = await aks.cluster(access.client, access.place)
    assert (found.level, found.found) == (Level.OK, "Succeeded in swedencentral")


async def test_a_wrong_region_is_told_with_the_right_one():
    async with azure(location="westeurope") as access:
        found = await aks.cluster(access.client, access.place)
    assert (found.level, found.remedy) == (Level.MISSING, "--location=swedencentral")


async def test_a_stopped_cluster_is_told_how_to_start():
    async with simulated_arm() as arm, azure_access(arm.place) as access:
        arm.cloud.mishaps.stop_cluster()
        async with asyncio.timeout(10):
            while (found := await aks.cluster(access.client, access.place)).level is Level.OK:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert (found.level, found.remedy) == (Level.MISSING, "az aks start -n moorage -g moorage")


@pytest.mark.parametrize(
    "wrong", [{"name": "nowhere"}, {"resource_group": "nowhere"}, {"subscription": "nowhere"}]
)
async def test_a_cluster_that_is_not_there_names_the_options_to_check(wrong):
    async with azure(**wrong) as access:
        found = await aks.cluster(access.client, access.place)
    assert found.level is Level.MISSING
    assert "--resource-group" in found.remedy


async def test_a_process_without_an_identity_is_told_where_to_read_on():
    async with recorded_arm() as arm, azure_access(cluster_at(arm.url)) as access:
        arm.answer(401, {"error": {"code": "AuthenticationFailed", "message": "no"}})
        found = await aks.cluster(access.client, access.place)
    assert found.level is Level.MISSING
    assert "AuthenticationFailed" in found.found
    assert "docs/serve.md" in found.remedy


async def test_an_identity_must_see_the_pools_though_not_the_cluster():
    forbidden = {"error": {"code": "AuthorizationFailed", "message": "no"}}
    async with recorded_arm() as arm, azure_access(cluster_at(arm.url)) as access:
        arm.answer(403, forbidden)
        arm.answer(403, forbidden)
        cluster = await aks.cluster(access.client, access.place)
        pools = await aks.agent_pools(access.pools)
    assert (cluster.level, pools.level) == (Level.WARNING, Level.MISSING)
    assert "docs/serve.md" in pools.remedy


async def test_nobody_at_the_endpoint_is_told():
    place: ManagedCluster = cluster_at("http://127.0.0.1:1")
    async with azure_access(place) as access:
        found = await aks.cluster(access.client, access.place)
    assert (found.level, "--arm-endpoint" in found.remedy) == (Level.MISSING, True)


async def test_pools_are_counted_against_the_limit():
    async with azure() as access:
        await access.pools.create(
            AgentPoolRequest(name="a", owner="u", vm_size="Standard_NC24ads_A100_v4")
        )
        found = await aks.agent_pools(access.pools)
    assert (found.level, found.found) == (Level.OK, "1 of 100")


async def test_quota_is_told_by_family_as_far_as_it_is_used():
    quotas = {"NCADSA100v4": 48, "NCASv3_T4": 16}
    options = AzureOptions(timings=FAST, offers=Offers(vcpus=quotas, other_vcpus=0))
    async with azure(options) as access:
        await access.pools.create(
            AgentPoolRequest(name="a", owner="u", vm_size="Standard_NC24ads_A100_v4")
        )
        found = await aks.quota(access.client, access.place)
    assert found.level is Level.OK
    assert "NCADSA100v4 24 of 48 vCPUs" in found.found
    assert "NCASv3_T4 0 of 16 vCPUs" in found.found


async def test_no_quota_at_all_is_a_warning():
    options = AzureOptions(timings=FAST, offers=Offers(other_vcpus=0))
    async with azure(options) as access:
        found = await aks.quota(access.client, access.place)
    assert (found.level, found.found) == (Level.WARNING, "no family has any")
