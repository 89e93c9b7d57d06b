"""What the simulated Azure takes and what it refuses, in which words."""

import asyncio
import math

import aiohttp
import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ServiceRequestError

from simulator.azure.failures import not_authorized, policy_denies, server_error
from simulator.azure.fate import CreationFate, GoodFortune
from simulator.azure.offers import Offers
from simulator.azure.throttling import Allowance, Allowances
from tests.simulator.azure.azure_world import CLUSTER, GROUP, play

PLENTY = Allowances(all_else=Allowance(10_000, 100.0), operation_reads=Allowance(10_000, 100.0))
T4 = "Standard_NC4as_T4_v3"


async def refusal(call):
    """Status, code and the codes within."""
    with pytest.raises(HttpResponseError) as refused:
        await call
    error = refused.value.error
    return refused.value.status_code, error.code, [one.code for one in error.details or ()]


@pytest.mark.parametrize("name", ["A", "1a", "a-b", "abcdefghijklm"])
def test_a_pools_name_is_short_and_plain(name):
    async def scenario(world):
        assert (await refusal(world.create(name)))[:2] == (400, "InvalidParameter")
        assert await world.names() == []

    play(scenario)


@pytest.mark.parametrize(
    "properties",
    [
        {"nodeLabels": {"kubernetes.io/mine": "x"}},
        {"nodeTaints": ["no-effect"]},
        {"count": 1001},
        {"scaleSetPriority": "Spot", "mode": "System"},
    ],
)
def test_what_no_pool_can_be_is_refused(properties):
    async def scenario(world):
        asked = world.create(properties=properties)
        assert (await refusal(asked))[:2] == (400, "InvalidParameter")

    play(scenario)


@pytest.mark.parametrize("size", ["Standard_Nonsense", "Standard_NC6s_v3", T4])
def test_sizes_that_are_unknown_retired_or_withheld_are_not_to_be_had(size):
    async def scenario(world):
        asked = world.create(properties={"size": size})
        assert (await refusal(asked))[:2] == (400, "VMSizeNotSupported")

    play(scenario, offers=Offers(withheld=frozenset({T4})))


def test_zones_that_the_region_has_not_are_refused():
    async def scenario(world):
        asked = world.create(properties={"availabilityZones": ["4"]})
        assert (await refusal(asked))[:2] == (400, "AvailabilityZoneNotSupported")

    play(scenario)


def test_quota_is_per_family_and_what_failed_or_goes_still_counts():
    async def scenario(world):
        await world.create("ws0")
        status, code, inner = await refusal(world.create("ws1"))
        assert (status, code, inner) == (400, "QuotaExceeded", ["OperationNotAllowed"])
        await world.create("ws2", properties={"size": T4})
        await world.delete("ws0")
        assert (await refusal(world.create("ws1")))[1] == "QuotaExceeded"
        await asyncio.sleep(300)
        await world.create("ws1")

    play(scenario, offers=Offers(vcpus={"NCADSA100v4": 47}))


def test_spot_machines_have_a_quota_of_their_own():
    async def scenario(world):
        spot = {"scaleSetPriority": "Spot"}
        await world.create("ws0", properties=spot)
        with pytest.raises(HttpResponseError, match="LowPriorityCores"):
            await world.create("ws1", properties=spot)
        await world.create("ws1")

    play(scenario, offers=Offers(spot_vcpus=24))


def test_a_lack_of_capacity_shows_late_and_the_failed_pool_holds_its_name():
    async def scenario(world):
        await world.create("ws0")
        await world.create("ws1")
        assert await world.state("ws1") == "Creating"
        await asyncio.sleep(185)
        failed = await world.get("ws1")
        assert failed.provisioning_state == "Failed"
        assert failed.status.provisioning_error.code == "AllocationFailed"
        await asyncio.sleep(100)
        assert len(world.nodes()) == 1
        await world.delete("ws0")
        await world.delete("ws1")
        await asyncio.sleep(200)
        await world.created("ws1")

    play(scenario, offers=Offers(capacity={("Standard_NC24ads_A100_v4", ""): 1}))


def test_machines_go_to_the_zone_that_has_room_until_none_has():
    async def scenario(world):
        size = "Standard_NC24ads_A100_v4"
        for name in ("ws0", "ws1", "ws2"):
            await world.create(name, properties={"availabilityZones": ["1", "2"]})
        await asyncio.sleep(300)
        labels = (node["metadata"]["labels"] for node in world.objects.list("Node", labels=None))
        zones = sorted(one["topology.kubernetes.io/zone"] for one in labels)
        assert zones == ["swedencentral-1", "swedencentral-2"]
        failed = await world.get("ws2")
        assert failed.status.provisioning_error.code == "ZonalAllocationFailed"
        assert failed.vm_size == size

    room = {("Standard_NC24ads_A100_v4", zone): 1 for zone in ("1", "2")}
    play(scenario, offers=Offers(capacity=room))


def test_a_failed_pool_that_is_asked_for_again_gets_its_machine():
    async def scenario(world):
        await world.create()
        await asyncio.sleep(200)
        assert await world.state() == "Failed"
        world.cloud.market.offers = Offers()
        await world.create()
        await asyncio.sleep(300)
        assert (await world.state(), len(world.nodes())) == ("Succeeded", 1)

    play(scenario, offers=Offers(capacity={("Standard_NC24ads_A100_v4", ""): 0}))


def test_one_thing_at_a_time_is_done_to_a_pool_and_others_go_on_beside_it():
    async def scenario(world):
        await world.create("ws0")
        assert (await refusal(world.create("ws0")))[:2] == (409, "OperationNotAllowed")
        await world.create("ws1")

    play(scenario)


def test_nothing_is_done_to_pools_while_something_is_done_to_their_cluster():
    async def scenario(world):
        await world.created("ws0")
        world.cloud.mishaps.occupy_cluster(60)
        for call in (world.create("ws1"), world.create("ws0"), world.delete("ws0")):
            assert (await refusal(call))[:2] == (409, "OperationNotAllowed")
        await asyncio.sleep(61)
        await world.create("ws1")

    play(scenario)


def test_what_cannot_change_is_refused_and_labels_and_taints_reach_the_node():
    async def scenario(world):
        await world.created(properties={"nodeLabels": {"a": "1", "b": "2"}})
        other = world.create(properties={"size": T4})
        assert (await refusal(other))[:2] == (400, "OperationNotAllowed")
        await world.create(properties={"nodeLabels": {"a": "3"}, "nodeTaints": ["k=v:NoSchedule"]})
        await asyncio.sleep(61)
        assert await world.state() == "Succeeded"
        node = world.node()
        assert node["metadata"]["labels"]["a"] == "3"
        assert "b" not in node["metadata"]["labels"]
        assert {"key": "k", "value": "v", "effect": "NoSchedule"} in node["spec"]["taints"]

    play(scenario)


def test_counts_change_both_ways():
    async def scenario(world):
        await world.created()
        await world.create(properties={"count": 3})
        assert await world.state() == "Scaling"
        await asyncio.sleep(300)
        assert len(world.nodes()) == 3
        await world.create(properties={"count": 1})
        await asyncio.sleep(300)
        assert (len(world.nodes()), await world.state()) == (1, "Succeeded")

    play(scenario)


def test_a_cluster_has_a_hundred_pools_at_most():
    async def scenario(world):
        for number in range(100):
            await world.create(f"p{number}", properties={"count": 0})
        assert (await refusal(world.create("p100")))[0] == 400
        await asyncio.sleep(100)
        assert len(await world.names()) == 100

    play(scenario, allowances=PLENTY)


def test_preconditions_exclude_one_another():
    async def scenario(world):
        headers = {"If-Match": "*", "If-None-Match": "*"}
        assert (await refusal(world.create(headers=headers)))[:2] == (400, "BadRequest")
        missing = world.create(etag="x", match_condition=MatchConditions.IfNotModified)
        assert (await refusal(missing))[0] == 412

    play(scenario)


def test_writes_to_one_pool_are_throttled_and_those_to_others_are_not():
    async def scenario(world):
        await world.create("ws0")
        for _ in range(19):
            assert (await refusal(world.create("ws0")))[0] == 409
        assert (await refusal(world.create("ws0")))[:2] == (429, "Throttled")
        await world.create("ws1")
        await asyncio.sleep(61)
        assert (await refusal(world.create("ws0")))[0] == 409

    play(scenario)


def test_all_other_calls_share_sixty_and_one_a_second():
    async def scenario(world):
        for _ in range(60):
            await world.names()
        assert (await refusal(world.names()))[0] == 429
        await asyncio.sleep(1)
        await world.names()

    play(scenario)


class Refuses(GoodFortune):
    def __init__(self, refusal):
        self.refusal = refusal

    def of_request(self, request):
        return self.refusal


@pytest.mark.parametrize(
    ("told", "status", "code"),
    [
        (policy_denies("ws0", "no GPUs"), 403, "RequestDisallowedByPolicy"),
        (not_authorized("agentPools/write", "the cluster"), 403, "AuthorizationFailed"),
        (server_error(503), 503, "ServiceUnavailable"),
    ],
)
def test_fate_may_refuse_a_request_and_then_nothing_is_begun(told, status, code):
    async def scenario(world):
        assert (await refusal(world.create()))[:2] == (status, code)
        world.cloud.mishaps.heal()
        assert world.cloud.mishaps.pools() == []

    play(scenario, fate=Refuses(told))


class NeverEnds(GoodFortune):
    def of_creation(self, pool):
        return CreationFate(delay=math.inf)


def test_an_operation_that_is_stuck_blocks_its_pool_until_it_is_aborted():
    async def scenario(world):
        await world.create()
        await asyncio.sleep(86400)
        assert await world.state() == "Creating"
        assert (await refusal(world.create()))[0] == 409
        await world.pools.begin_abort_latest_operation(GROUP, CLUSTER, "ws0", polling=False)
        await asyncio.sleep(70)
        await world.delete()
        await asyncio.sleep(300)
        assert await world.names() == []

    play(scenario, fate=NeverEnds())


def test_an_answer_may_be_lost_on_its_way_and_the_pool_is_made_all_the_same():
    async def lossy(request, handle):
        answer = await handle(request)
        if request.method == "PUT":
            raise aiohttp.ServerDisconnectedError
        return answer

    async def scenario(world):
        with pytest.raises(ServiceRequestError):
            await world.create()
        assert await world.names() == ["ws0"]

    play(scenario, carry=lossy)


def test_an_operation_that_is_stuck_ends_and_its_machine_joins_when_it_is_healed():
    async def scenario(world):
        await world.create()
        await asyncio.sleep(86400)
        assert (await world.state(), world.nodes()) == ("Creating", [])
        world.cloud.mishaps.heal()
        await asyncio.sleep(60)
        assert (await world.state(), world.gpus()) == ("Succeeded", "1")

    play(scenario, fate=NeverEnds())
