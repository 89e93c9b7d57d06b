"""The real Azure SDK against the simulated Azure, over HTTP on loopback, in real time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import aiohttp
import pytest
from azure.core import MatchConditions
from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)

from simulator.azure.cloud import AzureCloud, AzureOptions
from simulator.azure.failures import boot_failed
from simulator.azure.fate import CreationFate, GoodFortune
from simulator.azure.http_door import AzureDoor
from simulator.azure.throttling import Allowance, Allowances
from simulator.azure.timings import AzureTimings
from simulator.clock import SystemClock
from simulator.kubelet.silence import MachinePower
from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.services import ServiceNetwork
from simulator.node_resources import MachineSize
from tests.simulator.azure.azure_world import CLUSTER, GROUP, PLACE, client, pool

QUICK = AzureTimings(
    node_registration=0.02,
    pool_creation=0.05,
    allocation_failure=0.02,
    boot_failure=0.05,
    identification=0.0,
    gpu_registration=0.0,
    pool_change=0.02,
    machine_removal=0.02,
)


class NoKubelets:
    """Nothing runs on the machines of these tests."""

    def silence(self, name: str) -> None: ...

    def revive(self, name: str) -> None: ...


class Served:
    def __init__(self, url: str, objects: ApiServer, cloud: AzureCloud) -> None:
        self.url = url
        self.objects = objects
        self.cloud = cloud
        self.client = client(url)
        self.pools = self.client.agent_pools

    async def create(self, name: str = "ws0", body: Any = None, **options: Any) -> Any:
        poller = await self.pools.begin_create_or_update(
            GROUP, CLUSTER, name, body or pool(), polling_interval=0.01, **options
        )
        return await poller.result()

    async def delete(self, name: str = "ws0", **options: Any) -> Any:
        poller = await self.pools.begin_delete(
            GROUP, CLUSTER, name, polling_interval=0.01, **options
        )
        return await poller.result()

    async def raw(self, method: str, path: str, **options: Any) -> tuple[int, Any, Any]:
        """Status, headers and body of a plain request."""
        headers = {"Authorization": "Bearer test", **options.pop("headers", {})}
        url = f"{self.url}{path}?api-version=2026-08-01"
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, headers=headers, **options) as response,
        ):
            return response.status, response.headers, await response.json(content_type=None)


@asynccontextmanager
async def served(**options: Any) -> AsyncIterator[Served]:
    clock = SystemClock()
    objects = ApiServer(
        clock=clock,
        new_uid=lambda: str(uuid4()),
        database=None,
        service_addresses=ServiceNetwork("127.64.254.0/24"),
    )
    cloud = AzureCloud(
        objects=objects,
        clock=clock,
        new_uid=lambda: str(uuid4()),
        power=MachinePower(objects, clock, NoKubelets(), usual_lease=40.0),
        computer=MachineSize(cpus=2, memory_bytes=2**32),
        options=AzureOptions(**{"timings": QUICK, **options}),
    )
    door = AzureDoor(cloud.handle)
    running = asyncio.create_task(cloud.run())
    world = Served(await door.start(), objects, cloud)
    try:
        yield world
    finally:
        await world.client.close()
        await door.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        cloud.close()
        objects.close()


async def test_a_pool_is_created_polled_listed_and_deleted():
    async with served() as azure:
        made = await azure.create()
        assert made.provisioning_state == "Succeeded"
        assert (made.count, made.vm_size, made.mode) == (1, "Standard_NC24ads_A100_v4", "User")
        assert made.power_state.code == "Running"
        assert made.e_tag
        assert [one.name async for one in azure.pools.list(GROUP, CLUSTER)] == ["ws0"]
        (node,) = azure.objects.list("Node")
        machines = [one async for one in azure.client.machines.list(GROUP, CLUSTER, "ws0")]
        assert [one.name for one in machines] == [node["metadata"]["name"]]
        assert f"azure://{machines[0].properties.resource_id}" == node["spec"]["providerID"]
        assert await azure.delete() is None
        assert azure.objects.list("Node") == []
        with pytest.raises(ResourceNotFoundError) as absent:
            await azure.pools.get(GROUP, CLUSTER, "ws0")
        assert absent.value.error.code == "NotFound"


async def test_creating_is_answered_201_and_changing_200_with_a_link_and_no_retry_after():
    async with served() as azure:
        path = PLACE.pool_id("ws0")
        status, headers, body = await azure.raw("PUT", path, json=pool())
        assert (status, body["properties"]["provisioningState"]) == (201, "Creating")
        assert headers["Azure-AsyncOperation"].startswith(f"{azure.url}/subscriptions/")
        assert "Retry-After" not in headers
        assert "Location" not in headers
        await asyncio.sleep(0.2)
        status, _, body = await azure.raw("PUT", path, json=pool(tags={"a": "b"}))
        assert (status, body["properties"]["provisioningState"]) == (200, "Updating")


async def test_deleting_is_answered_202_with_both_links_and_204_once_there_is_nothing():
    async with served() as azure:
        await azure.create()
        status, headers, _ = await azure.raw("DELETE", PLACE.pool_id("ws0"))
        assert status == 202
        assert "/operations/" in headers["Azure-AsyncOperation"]
        assert "/operationresults/" in headers["Location"]
        await asyncio.sleep(0.2)
        status, _, _ = await azure.raw("DELETE", PLACE.pool_id("ws0"))
        assert status == 204
        assert await azure.delete() is None


async def test_lists_come_in_pages_of_which_the_last_may_be_empty():
    async with served(page_size=2) as azure:
        for name in ("ws0", "ws1", "ws2", "ws3"):
            await azure.create(name)
        pages = azure.pools.list(GROUP, CLUSTER).by_page()
        found = [[one.name async for one in page] async for page in pages]
        assert found == [["ws0", "ws1"], ["ws2", "ws3"], []]


async def test_a_name_that_is_taken_is_never_overwritten_by_who_asks_for_none():
    async with served() as azure:
        await azure.create(etag="*", match_condition=MatchConditions.IfMissing)
        with pytest.raises(ResourceExistsError) as taken:
            await azure.create(etag="*", match_condition=MatchConditions.IfMissing)
        assert taken.value.status_code == 412


async def test_a_pool_that_changed_since_it_was_seen_is_not_deleted():
    async with served() as azure:
        seen = await azure.create()
        await azure.create(body=pool(tags={"a": "b"}))
        with pytest.raises(ResourceModifiedError):
            await azure.delete(etag=seen.e_tag, match_condition=MatchConditions.IfNotModified)
        now = await azure.pools.get(GROUP, CLUSTER, "ws0")
        await azure.delete(etag=now.e_tag, match_condition=MatchConditions.IfNotModified)


class BootFails(GoodFortune):
    def of_creation(self, pool):
        return CreationFate(failure=boot_failed(50))


async def test_a_late_failure_is_told_with_http_200_and_leaves_a_failed_pool_of_that_name():
    async with served(fate=BootFails()) as azure:
        with pytest.raises(HttpResponseError) as failed:
            await azure.create()
        assert failed.value.status_code == 200
        assert failed.value.error.code == "VMExtensionProvisioningError"
        left = await azure.pools.get(GROUP, CLUSTER, "ws0")
        assert left.provisioning_state == "Failed"
        assert left.status.provisioning_error.code == "VMExtensionProvisioningError"
        with pytest.raises(ResourceExistsError):
            await azure.create(etag="*", match_condition=MatchConditions.IfMissing)


async def test_who_asks_too_often_is_told_when_to_come_back():
    async with served(allowances=Allowances(all_else=Allowance(2, 0.5))) as azure:
        for _ in range(2):
            with pytest.raises(ResourceNotFoundError):
                await azure.pools.get(GROUP, CLUSTER, "ws0")
        with pytest.raises(HttpResponseError) as throttled:
            await azure.pools.get(GROUP, CLUSTER, "ws0")
        assert throttled.value.status_code == 429
        assert throttled.value.error.code == "Throttled"
        assert throttled.value.response.headers["Retry-After"] == "2"


async def test_an_operation_that_ended_long_ago_is_not_known_any_more():
    async with served(timings=replace(QUICK, operation_memory=0.0)) as azure:
        _, headers, _ = await azure.raw("PUT", PLACE.pool_id("ws0"), json=pool())
        await asyncio.sleep(0.3)
        operation = headers["Azure-AsyncOperation"].removeprefix(azure.url).partition("?")[0]
        status, _, body = await azure.raw("GET", operation)
        assert (status, body["error"]["code"]) == (404, "NotFound")
        found = await azure.pools.get(GROUP, CLUSTER, "ws0")
        assert found.provisioning_state == "Succeeded"


async def test_a_missing_cluster_speaks_in_another_voice_than_a_missing_pool():
    async with served() as azure:
        elsewhere = PLACE.pool_id("ws0").replace("managedClusters/moorage", "managedClusters/x")
        status, headers, body = await azure.raw("GET", elsewhere)
        assert (status, body["error"]["code"]) == (404, "ResourceNotFound")
        assert headers["x-ms-failure-cause"] == "gateway"
        status, headers, body = await azure.raw("GET", PLACE.pool_id("ws0"))
        assert (status, body["error"]["code"]) == (404, "NotFound")
        assert "Agent Pool not found" in body["error"]["message"]
        assert "x-ms-failure-cause" not in headers
        group = PLACE.pool_id("ws0").replace("resourcegroups/moorage", "resourcegroups/x")
        _, _, body = await azure.raw("DELETE", group)
        assert body["error"]["code"] == "ResourceGroupNotFound"


async def test_nobody_is_served_without_a_token():
    async with served() as azure:
        path = PLACE.pool_id("ws0")
        status, headers, body = await azure.raw("GET", path, headers={"Authorization": ""})
        assert (status, body["error"]["code"]) == (401, "AuthenticationFailed")
        assert "WWW-Authenticate" in headers


async def test_the_cluster_and_the_quotas_of_its_region_can_be_read():
    async with served() as azure:
        await azure.create()
        cluster = await azure.client.managed_clusters.get(GROUP, CLUSTER)
        assert (cluster.provisioning_state, cluster.power_state.code) == ("Succeeded", "Running")
        compute = f"/subscriptions/{PLACE.subscription}/providers/Microsoft.Compute"
        _, _, usages = await azure.raw("GET", f"{compute}/locations/{PLACE.region}/usages")
        used = {row["name"]["value"]: row["currentValue"] for row in usages["value"]}
        assert used["standardNCADSA100v4Family"] == used["cores"] == 24
        _, _, skus = await azure.raw("GET", f"{compute}/skus")
        names = {row["name"] for row in skus["value"]}
        assert "Standard_NC24ads_A100_v4" in names
        assert "Standard_NC6s_v3" not in names  # retired
