"""The real SDK over real HTTP: what is sent, and what answers become."""

import asyncio

import pytest

from engine.capacity_type import CapacityType
from engine.errors import Unreachable
from engine.nodes.agent_pool import (
    AgentPool,
    AgentPoolRequest,
    CloudError,
    CloudRefused,
    PoolState,
    Taint,
)
from tests.adapters.aks.recorded_arm import CLUSTER_PATH, pools_at, recorded_arm

REQUEST = AgentPoolRequest(
    name="ws0123abcd4",
    owner="c0ffee",
    vm_size="Standard_NC24ads_A100_v4",
    disk_gib=200,
    labels={"kaito.sh/workspace": "phi"},
    taints=(Taint(key="sku", value="gpu"),),
)
CREATING = {
    "id": f"{CLUSTER_PATH}/agentPools/ws0123abcd4",
    "name": "ws0123abcd4",
    "type": "Microsoft.ContainerService/managedClusters/agentPools",
    "properties": {
        "eTag": "5a5a",
        "provisioningState": "Creating",
        "powerState": {"code": "Running"},
        "count": 1,
        "vmSize": "Standard_NC24ads_A100_v4",
        "tags": {"moorage-node-claim-uid": "c0ffee", "moorage-managed-by": "moorage"},
        "somethingNew": {"inA": "later version"},
    },
}
SEEN = AgentPool(
    name="ws0123abcd4",
    state=PoolState.CREATING,
    told="Creating",
    owner="c0ffee",
    vm_size="Standard_NC24ads_A100_v4",
    etag="5a5a",
)
NO_SUCH_POOL = {"error": {"code": "NotFound", "message": "Agent Pool not found"}}
NO_SUCH_CLUSTER = {"error": {"code": "ResourceNotFound", "message": "no such cluster"}}
CONFLICT = {
    "code": "OperationNotAllowed",
    "details": None,
    "message": "Another operation is in progress",
    "subcode": "",
}
THROTTLED = {"code": "Throttled", "message": "PutAgentPoolHandler.PUT", "details": None}


@pytest.fixture
async def arm():
    async with recorded_arm() as arm:
        yield arm


@pytest.fixture
async def pools(arm):
    async with pools_at(arm.url) as pools:
        yield pools


def _state(word, **properties):
    told = {**CREATING["properties"], "provisioningState": word, **properties}
    return {**CREATING, "properties": told}


async def _refused(call) -> CloudError:
    with pytest.raises(CloudRefused) as raised:
        await call
    return raised.value.error


class TestCreate:
    async def test_it_asks_for_one_node_that_nobody_else_has_and_waits_for_nothing(
        self, arm, pools
    ):
        arm.answer(201, CREATING, Azure_AsyncOperation=f"{arm.url}/operations/1")
        assert await pools.create(REQUEST) == SEEN
        (put,) = arm.asked
        assert (put.method, put.path) == ("PUT", f"{CLUSTER_PATH}/agentPools/ws0123abcd4")
        assert put.headers["If-None-Match"] == "*"
        assert "If-Match" not in put.headers
        assert put.body == {
            "properties": {
                "count": 1,
                "vmSize": "Standard_NC24ads_A100_v4",
                "type": "VirtualMachineScaleSets",
                "mode": "User",
                "osType": "Linux",
                "osSKU": "Ubuntu",
                "osDiskSizeGB": 200,
                "nodeLabels": {"kaito.sh/workspace": "phi"},
                "nodeTaints": ["sku=gpu:NoSchedule"],
                "tags": {"moorage-node-claim-uid": "c0ffee", "moorage-managed-by": "moorage"},
            }
        }

    async def test_spot_is_deleted_when_evicted_and_costs_no_more_than_on_demand(self, arm, pools):
        arm.answer(201, CREATING)
        spot = AgentPoolRequest(
            name="a",
            owner="u",
            vm_size="s",
            capacity_type=CapacityType.SPOT,
            os_sku="AzureLinux",
            zones=("1", "3"),
        )
        await pools.create(spot)
        sent = arm.asked[0].body["properties"]
        assert sent["scaleSetPriority"] == "Spot"
        assert sent["scaleSetEvictionPolicy"] == "Delete"
        assert sent["spotMaxPrice"] == -1
        assert sent["availabilityZones"] == ["1", "3"]
        assert sent["osSKU"] == "AzureLinux"
        assert "osDiskSizeGB" not in sent

    async def test_a_name_that_is_taken_is_refused_with_412(self, arm, pools):
        arm.answer(412, {"code": "PreconditionFailed", "message": "exists"})
        error = await _refused(pools.create(REQUEST))
        assert (error.status, error.code) == (412, "PreconditionFailed")

    async def test_answers_lost_after_the_request_are_no_refusal(self, arm, pools):
        arm.drop()
        arm.drop()
        with pytest.raises(Unreachable):
            await pools.create(REQUEST)

    async def test_a_lost_answer_to_a_request_that_counted_meets_its_own_pool(self, arm, pools):
        """aiohttp sends once more what HTTP calls idempotent: the precondition makes it so."""
        arm.drop()
        arm.answer(412, {"code": "PreconditionFailed", "message": "exists"})
        assert (await _refused(pools.create(REQUEST))).status == 412
        assert [asked.headers["If-None-Match"] for asked in arm.asked] == ["*", "*"]

    async def test_a_server_error_is_not_tried_again_by_the_sdk(self, arm, pools):
        arm.answer(503, {"error": {"code": "ServiceUnavailable", "message": "later"}})
        assert (await _refused(pools.create(REQUEST))).status == 503
        assert len(arm.asked) == 1


class TestGet:
    async def test_a_pool_that_is_absent_is_none(self, arm, pools):
        arm.answer(404, NO_SUCH_POOL)
        arm.answer(404, NO_SUCH_POOL["error"])
        assert await pools.get("a") is None
        assert await pools.get("a") is None

    @pytest.mark.parametrize("name", ["not-a-pool", "Upper", "muchtoolongname", "../x"])
    async def test_a_name_that_no_pool_can_have_is_not_asked_for(self, arm, pools, name):
        assert await pools.get(name) is None
        assert arm.asked == []

    async def test_a_cluster_that_is_absent_says_nothing_of_its_pools(self, arm, pools):
        arm.answer(404, NO_SUCH_CLUSTER, x_ms_failure_cause="gateway")
        arm.answer(404, {"error": {"code": "ResourceGroupNotFound", "message": "no such group"}})
        arm.answer(404, "<html>no such page</html>")
        codes = [(await _refused(pools.get("a"))).code for _ in range(3)]
        assert codes == ["ResourceNotFound", "ResourceGroupNotFound", ""]

    @pytest.mark.parametrize(
        ("word", "state"),
        [
            ("Creating", PoolState.CREATING),
            ("Succeeded", PoolState.SUCCEEDED),
            ("Failed", PoolState.FAILED),
            ("Canceled", PoolState.CANCELED),
            ("Deleting", PoolState.DELETING),
            ("Updating", PoolState.CHANGING),
            ("UpgradingNodeImageVersion", PoolState.CHANGING),
            ("AWordOfNextYear", PoolState.CHANGING),
        ],
    )
    async def test_words_become_states_and_unknown_ones_are_work_under_way(
        self, arm, pools, word, state
    ):
        arm.answer(200, _state(word))
        pool = await pools.get("a")
        assert (pool.state, pool.told) == (state, word)

    async def test_a_failed_pool_tells_why_with_the_codes_within(self, arm, pools):
        told = {
            "code": "CreateVMSSAgentPoolFailed",
            "message": "outer",
            "details": [
                {
                    "code": "VMExtensionProvisioningError",
                    "message": "middle",
                    "details": [{"code": "Inner", "message": "vmssCSE exit status=84"}],
                }
            ],
        }
        arm.answer(200, _state("Failed", status={"provisioningError": told}))
        pool = await pools.get("a")
        assert pool.error == CloudError(
            status=200,
            code="CreateVMSSAgentPoolFailed",
            inner=("VMExtensionProvisioningError", "Inner"),
            message="outer; middle; vmssCSE exit status=84",
        )

    async def test_pools_of_others_and_stopped_ones_are_told_apart(self, arm, pools):
        arm.answer(200, _state("Succeeded", tags=None, powerState={"code": "Stopped"}))
        pool = await pools.get("a")
        assert (pool.owner, pool.stopped) == ("", True)

    async def test_a_page_that_is_not_json_is_no_answer(self, arm, pools):
        arm.answer(200, "<html>sign in</html>")
        with pytest.raises(Unreachable):
            await pools.get("a")


class TestList:
    async def test_every_page_is_read_down_to_an_empty_one(self, arm, pools):
        more = f"{arm.url}{CLUSTER_PATH}/agentPools?skipToken=1"
        arm.answer(200, {"value": [CREATING], "nextLink": more})
        arm.answer(200, {"value": [{**CREATING, "name": "b"}], "nextLink": more})
        arm.answer(200, {"value": []})
        assert [pool.name for pool in await pools.list()] == ["ws0123abcd4", "b"]
        assert [asked.query.get("skipToken") for asked in arm.asked] == [None, "1", "1"]


class TestDelete:
    async def test_it_deletes_what_was_seen_and_nothing_newer(self, arm, pools):
        arm.answer(202, Location=f"{arm.url}/operationresults/1")
        await pools.delete(SEEN)
        (asked,) = arm.asked
        assert (asked.method, asked.headers["If-Match"]) == ("DELETE", '"5a5a"')
        assert "ignore-pod-disruption-budget" not in asked.query

    async def test_disruption_budgets_are_ignored_only_on_demand(self, arm, pools):
        arm.answer(202)
        await pools.delete(SEEN, ignore_disruption_budgets=True)
        assert arm.asked[0].query["ignore-pod-disruption-budget"] == "true"

    async def test_a_change_since_is_refused_with_412(self, arm, pools):
        arm.answer(412, {"code": "PreconditionFailed", "message": "changed"})
        assert (await _refused(pools.delete(SEEN))).status == 412

    @pytest.mark.parametrize("status", [202, 204])
    async def test_a_pool_that_goes_or_is_gone_is_fine(self, arm, pools, status):
        arm.answer(status)
        await pools.delete(SEEN)

    async def test_an_absent_pool_is_fine_and_an_absent_cluster_is_not(self, arm, pools):
        arm.answer(404, NO_SUCH_POOL)
        await pools.delete(SEEN)
        arm.answer(404, NO_SUCH_CLUSTER)
        assert (await _refused(pools.delete(SEEN))).code == "ResourceNotFound"

    async def test_a_conflict_with_the_pools_own_deletion_is_fine(self, arm, pools):
        arm.answer(409, CONFLICT)
        arm.answer(200, _state("Deleting"))
        await pools.delete(SEEN)

    async def test_a_conflict_with_anything_else_is_told(self, arm, pools):
        arm.answer(409, CONFLICT)
        arm.answer(200, _state("Creating"))
        assert (await _refused(pools.delete(SEEN))).code == "OperationNotAllowed"

    async def test_what_is_going_is_not_asked_to_go_again(self, arm, pools):
        await pools.delete(AgentPool(name="a", state=PoolState.DELETING))
        assert arm.asked == []


class TestRefusals:
    async def test_both_shapes_of_a_body_are_understood(self, arm, pools):
        quota = {
            "code": "QuotaExceeded",
            "message": "no cores left",
            "details": [{"code": "OperationNotAllowed", "message": "Current Limit: 0"}],
        }
        arm.answer(400, {"error": quota})
        arm.answer(400, quota)
        nested = await _refused(pools.create(REQUEST))
        flat = await _refused(pools.create(REQUEST))
        assert nested == flat
        assert nested == CloudError(
            status=400,
            code="QuotaExceeded",
            inner=("OperationNotAllowed",),
            message="no cores left; Current Limit: 0",
        )

    async def test_retry_after_is_told_whatever_the_status_and_not_slept_through(self, arm, pools):
        arm.answer(409, CONFLICT, Retry_After="90")
        error = await asyncio.wait_for(_refused(pools.create(REQUEST)), 5)
        assert (error.status, error.retry_after) == (409, 90)

    @pytest.mark.parametrize("status", [400, 403, 500, 502])
    async def test_a_body_that_is_not_arms_has_no_code(self, arm, pools, status):
        arm.answer(status, "<html>a proxy</html>")
        error = await _refused(pools.create(REQUEST))
        assert (error.status, error.code) == (status, "")

    async def test_a_refused_token_is_401_and_asked_for_once(self, arm, pools):
        body = {"error": {"code": "ExpiredAuthenticationToken", "message": "expired"}}
        arm.answer(401, body, WWW_Authenticate="Bearer")
        error = await _refused(pools.get("a"))
        assert (error.status, error.code) == (401, "ExpiredAuthenticationToken")

    async def test_nobody_listening_is_unreachable_at_once(self):
        async with pools_at("http://127.0.0.1:1") as pools:
            with pytest.raises(Unreachable):
                await asyncio.wait_for(pools.get("a"), 2)


class TestThrottling:
    async def test_a_throttled_pool_is_held_alone(self, arm, pools):
        arm.answer(429, THROTTLED, Retry_After="60")
        arm.answer(201, {**CREATING, "name": "other"})
        assert (await _refused(pools.create(REQUEST))).retry_after == 60
        held = await _refused(pools.create(REQUEST))
        assert (held.status, held.code) == (429, "Throttled")
        assert 59 < held.retry_after <= 60
        assert len(arm.asked) == 1
        await pools.create(AgentPoolRequest(name="other", owner="u", vm_size="s"))

    @pytest.mark.parametrize("code", ["Throttled", "SubscriptionRequestsThrottled"])
    async def test_throttled_reads_hold_everything(self, arm, pools, code):
        arm.answer(429, {"error": {"code": code, "message": "slow down"}}, Retry_After="20")
        await _refused(pools.list())
        for call in (pools.get("a"), pools.create(REQUEST), pools.delete(SEEN), pools.list()):
            assert (await _refused(call)).status == 429
        assert len(arm.asked) == 1

    async def test_a_throttled_subscription_holds_everything(self, arm, pools):
        body = {"error": {"code": "SubscriptionRequestsThrottled", "message": "slow down"}}
        arm.answer(429, body, Retry_After="20")
        await _refused(pools.create(REQUEST))
        await _refused(pools.list())
        assert len(arm.asked) == 1

    async def test_a_hold_ends(self, arm, pools):
        arm.answer(429, THROTTLED, Retry_After="1")
        arm.answer(201, CREATING)
        await _refused(pools.create(REQUEST))
        await asyncio.sleep(1.05)
        await pools.create(REQUEST)
