"""The machines behind agent pools, as Kubernetes sees them come, live and go."""

import asyncio
import math

import pytest

from simulator.azure.failures import allocation_failed, boot_failed
from simulator.azure.fate import CreationFate, GoodFortune, MachineFate
from tests.simulator.azure.azure_world import A100, CLUSTER, GROUP, play

GPU = "nvidia.com/gpu"


class Befalls(GoodFortune):
    """The same to every pool."""

    def __init__(self, *, creation=None, machine=None):
        self.creation = creation or CreationFate()
        self.machine = machine or MachineFate()

    def of_creation(self, pool):
        return self.creation

    def of_machine(self, pool):
        return self.machine


def test_a_pools_node_comes_with_its_labels_and_taints_and_gpus_later():
    async def scenario(world):
        await world.create(
            properties={"nodeTaints": ["sku=gpu:NoSchedule"], "nodeLabels": {"a.b/c": "d"}}
        )
        await asyncio.sleep(190)
        assert world.nodes() == []
        await asyncio.sleep(11)
        node = world.node()
        labels = node["metadata"]["labels"]
        assert labels["agentpool"] == labels["kubernetes.azure.com/agentpool"] == "ws0"
        assert labels["node.kubernetes.io/instance-type"] == A100
        assert labels["accelerator"] == "nvidia"
        assert labels["a.b/c"] == "d"
        assert {"key": "sku", "value": "gpu", "effect": "NoSchedule"} in node["spec"]["taints"]
        assert "providerID" not in node["spec"]
        assert world.gpus() == "none"
        await asyncio.sleep(6)
        assert world.node()["spec"]["providerID"].endswith("-vmss/virtualMachines/0")
        await asyncio.sleep(40)
        assert world.gpus() == "1"
        assert world.ready(world.node()) == "True"

    play(scenario)


def test_a_local_machine_is_this_computer():
    async def scenario(world):
        await world.created(properties={"size": "local-cpu"})
        node = world.node()
        assert node["metadata"]["name"].startswith("local-ws0-")
        assert node["metadata"]["labels"]["moorage.sh/runtime"] == "local"
        assert node["status"]["allocatable"]["cpu"] == "8"
        assert GPU not in node["status"]["capacity"]

    play(scenario)


def test_zones_spot_and_image_show_on_the_node():
    async def scenario(world):
        await world.created(properties={"availabilityZones": ["2"], "scaleSetPriority": "Spot"})
        node = world.node()
        labels = node["metadata"]["labels"]
        assert labels["topology.kubernetes.io/zone"] == "swedencentral-2"
        assert labels["kubernetes.azure.com/scalesetpriority"] == "spot"
        taints = {taint["key"] for taint in node["spec"]["taints"]}
        assert "kubernetes.azure.com/scalesetpriority" in taints
        assert labels["kubernetes.azure.com/node-image-version"].startswith("AKSUbuntu-")

    play(scenario)


def test_an_operation_may_succeed_and_no_node_ever_come():
    async def scenario(world):
        await world.created()
        await asyncio.sleep(86400)
        assert world.nodes() == []

    play(scenario, fate=Befalls(machine=MachineFate(registration_delay=math.inf)))


def test_without_a_device_plugin_no_gpu_is_ever_told_of_until_one_is_installed():
    async def scenario(world):
        await world.created()
        await asyncio.sleep(86400)
        assert GPU not in world.node()["status"]["capacity"]
        world.cloud.mishaps.heal()
        await asyncio.sleep(1)
        assert world.gpus() == "1"

    play(scenario, fate=Befalls(machine=MachineFate(gpu_delay=math.inf)))


def test_a_machine_may_have_fewer_gpus_than_its_size():
    async def scenario(world):
        await world.created(properties={"size": "Standard_NC96ads_A100_v4"})
        conditions = {c["type"]: c["status"] for c in world.node()["status"]["conditions"]}
        assert world.gpus() == "3"
        assert conditions["GPUMissing"] == "True"

    play(scenario, fate=Befalls(machine=MachineFate(missing_gpus=1)))


@pytest.mark.parametrize(
    ("failure", "machines"), [(allocation_failed(A100), 0), (boot_failed(50), 1)]
)
def test_where_capacity_is_wanting_there_is_no_machine_and_where_set_up_fails_there_is(
    failure, machines
):
    async def scenario(world):
        await world.create()
        await asyncio.sleep(2000)
        assert await world.state() == "Failed"
        listed = [m.name async for m in world.client.machines.list(GROUP, CLUSTER, "ws0")]
        assert (len(listed), world.nodes()) == (machines, [])

    play(scenario, fate=Befalls(creation=CreationFate(failure=failure)))


def test_a_machine_may_join_after_its_creation_has_failed():
    async def scenario(world):
        await world.create()
        await asyncio.sleep(1210)
        assert (await world.state(), world.nodes()) == ("Failed", [])
        await asyncio.sleep(300)
        assert len(world.nodes()) == 1
        assert await world.state() == "Failed"
        await world.delete()
        await asyncio.sleep(1000)
        assert (await world.names(), world.nodes()) == ([], [])

    fate = CreationFate(failure=boot_failed(50), joins_after_failure=200)
    play(scenario, fate=Befalls(creation=fate))


def test_an_evicted_spot_machine_is_drained_on_notice_and_its_node_outlives_it_for_a_while():
    async def scenario(world):
        await world.created(properties={"scaleSetPriority": "Spot"})
        world.run_pod()
        await asyncio.sleep(60)
        assert world.cloud.mishaps.evict_spot("ws0")
        await asyncio.sleep(20)
        assert world.pods() == []
        assert world.node()["spec"]["unschedulable"]
        await asyncio.sleep(15)
        assert (await world.get()).count == 0
        assert world.ready(world.node()) == "True"
        await asyncio.sleep(50)
        assert world.ready(world.node()) == "Unknown"
        await asyncio.sleep(100)
        assert world.nodes() == []
        assert await world.state() == "Succeeded"

    play(scenario)


def test_a_machine_lost_without_notice_is_still_counted_and_its_node_goes_late():
    async def scenario(world):
        await world.created()
        assert world.cloud.mishaps.lose_machine("ws0")
        await asyncio.sleep(30)
        assert world.ready(world.node()) == "True"
        await asyncio.sleep(130)
        assert world.nodes() == []
        assert (await world.get()).count == 1
        assert [m async for m in world.client.machines.list(GROUP, CLUSTER, "ws0")] == []

    play(scenario)


def test_a_silenced_kubelets_node_is_not_ready_until_it_is_revived():
    async def scenario(world):
        await world.created()
        assert world.cloud.mishaps.silence("ws0")
        await asyncio.sleep(60)
        assert world.ready(world.node()) == "Unknown"
        assert world.cloud.mishaps.revive("ws0")
        await asyncio.sleep(1)
        assert world.ready(world.node()) == "True"

    play(scenario)


def test_a_repaired_machine_comes_back_under_its_name_and_its_gpus_later():
    async def scenario(world):
        await world.created()
        name = world.nodes()
        assert world.cloud.mishaps.repair("ws0")
        await asyncio.sleep(1)
        assert world.nodes() == []
        await asyncio.sleep(305)
        assert (world.nodes(), world.gpus()) == (name, "none")
        await asyncio.sleep(60)
        assert world.gpus() == "1"

    play(scenario)


def test_an_image_upgrade_shows_two_nodes_and_leaves_one_of_another_name():
    async def scenario(world):
        await world.created()
        (before,) = world.nodes()
        assert world.cloud.mishaps.upgrade_image("ws0", "AKSUbuntu-new")
        assert await world.state() == "UpgradingNodeImageVersion"
        await asyncio.sleep(202)
        assert len(world.nodes()) == 2
        await asyncio.sleep(400)
        (after,) = world.nodes()
        assert after != before
        assert await world.state() == "Succeeded"
        labels = world.node()["metadata"]["labels"]
        assert labels["kubernetes.azure.com/node-image-version"] == "AKSUbuntu-new"

    play(scenario)


def test_lost_gpus_stay_in_capacity_and_leave_allocatable():
    async def scenario(world):
        await world.created()
        assert world.cloud.mishaps.set_healthy_gpus("ws0", 0)
        await asyncio.sleep(1000)
        assert world.gpus() == "0"
        assert world.node()["status"]["capacity"][GPU] == "1"

    play(scenario)


def test_a_stopped_pools_node_goes_and_comes_back_when_it_is_started():
    async def scenario(world):
        await world.created()
        world.cloud.mishaps.stop_pool("ws0")
        await asyncio.sleep(100)
        assert (await world.get()).power_state.code == "Stopped"
        assert world.nodes() == []
        world.cloud.mishaps.start_pool("ws0")
        await asyncio.sleep(300)
        assert (await world.get()).power_state.code == "Running"
        assert world.gpus() == "1"

    play(scenario)


def test_a_stopped_cluster_has_no_nodes_until_it_is_started():
    async def scenario(world):
        await world.created()
        world.cloud.mishaps.stop_cluster()
        await asyncio.sleep(100)
        assert world.nodes() == []
        assert (await world.get()).power_state.code == "Stopped"
        world.cloud.mishaps.start_cluster()
        await asyncio.sleep(300)
        assert world.gpus() == "1"
        assert (await world.get()).power_state.code == "Running"

    play(scenario)


def test_a_pool_deleted_by_someone_else_takes_its_node_with_it():
    async def scenario(world):
        await world.created()
        assert world.cloud.mishaps.delete_pool("ws0")
        await asyncio.sleep(200)
        assert (await world.names(), world.nodes()) == ([], [])

    play(scenario)


def test_an_evicted_machine_that_is_only_deallocated_leaves_its_node_not_ready_for_good():
    async def scenario(world):
        spot = {"scaleSetPriority": "Spot", "scaleSetEvictionPolicy": "Deallocate"}
        await world.created(properties=spot)
        world.cloud.mishaps.evict_spot("ws0")
        await asyncio.sleep(86400)
        assert world.ready(world.node()) == "Unknown"
        assert (await world.get()).count == 1
        await world.delete()
        await asyncio.sleep(200)
        assert world.nodes() == []

    play(scenario)


def test_a_cluster_that_stops_fails_what_was_under_way_but_for_deletions():
    async def scenario(world):
        await world.created("ws0")
        await world.create("ws1")
        await world.delete("ws0")
        world.cloud.mishaps.stop_cluster()
        await asyncio.sleep(200)
        assert await world.names() == ["ws1"]
        failed = await world.get("ws1")
        assert failed.provisioning_state == "Failed"
        assert failed.status.provisioning_error.code == "ResourceOperationFailure"
        assert world.nodes() == []

    play(scenario)


def test_a_problem_that_the_nodes_detector_finds_is_a_condition():
    async def scenario(world):
        await world.created()
        world.cloud.mishaps.report("ws0", "XIDErrors")
        problems = {c["type"]: c["status"] for c in world.node()["status"]["conditions"]}
        assert problems["XIDErrors"] == "True"

    play(scenario)


def test_a_count_changed_out_of_band_shows_as_two_nodes():
    async def scenario(world):
        await world.created()
        world.cloud.mishaps.set_count("ws0", 2)
        await asyncio.sleep(300)
        assert len(world.nodes()) == 2

    play(scenario)


def test_frozen_lists_show_what_was_and_reads_of_one_pool_what_is():
    async def scenario(world):
        await world.created("ws0")
        world.cloud.mishaps.freeze_lists(60)
        await world.create("ws1")
        assert await world.names() == ["ws0"]
        assert await world.state("ws1") == "Creating"
        await asyncio.sleep(61)
        assert await world.names() == ["ws0", "ws1"]

    play(scenario)
