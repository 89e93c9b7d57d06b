import pytest

TIMINGS = {
    "instance_launch": 60.0,
    "node_registration": 30.0,
    "gpu_registration": 20.0,
    "instance_termination": 15.0,
    "node_drain_limit": 40.0,
}


def claim(instance_type="Standard_NC24ads_A100_v4", name="ws-1"):
    return f"""
apiVersion: karpenter.sh/v1
kind: NodeClaim
metadata:
  name: {name}
  labels: {{karpenter.sh/nodepool: kaito, kaito.sh/workspace: ws}}
spec:
  nodeClassRef: {{group: kaito.sh, kind: KaitoNodeClass, name: default}}
  requirements:
    - {{key: node.kubernetes.io/instance-type, operator: In, values: [{instance_type}]}}
    - {{key: karpenter.sh/nodepool, operator: In, values: [kaito]}}
  taints: [{{key: sku, value: gpu, effect: NoSchedule}}]
"""


def conditions(world, name="ws-1"):
    return {
        item["type"]: (item["status"], item["reason"])
        for item in world.objects.get("NodeClaim", name)["status"]["conditions"]
    }


def provision(world, instance_type="Standard_NC24ads_A100_v4"):
    """Up to the ready claim; answers the node's name."""
    world.create(claim(instance_type))
    world.advance(61)
    world.advance(31)
    (name,) = world.names("Node")
    world.set_condition("Node", name, "Ready", "True", "")
    world.advance(21)
    assert conditions(world)["Ready"] == ("True", "Ready")
    return name


@pytest.fixture
def world(new_world):
    return new_world(**TIMINGS)


def test_a_claim_passes_through_its_conditions_in_order(world):
    world.create(claim())
    assert conditions(world) == {
        "Launched": ("Unknown", "Launching"),
        "Registered": ("Unknown", "AwaitingReconciliation"),
        "Initialized": ("Unknown", "AwaitingReconciliation"),
        "Ready": ("Unknown", "ReconcilingDependents"),
    }
    world.advance(61)
    assert conditions(world)["Launched"] == ("True", "Launched")
    assert conditions(world)["Registered"] == ("Unknown", "NodeNotFound")
    assert world.names("Node") == []
    world.advance(31)
    assert conditions(world)["Registered"] == ("True", "Registered")
    assert conditions(world)["Initialized"] == ("Unknown", "ResourceNotRegistered")
    world.advance(20)
    assert conditions(world)["Initialized"] == ("Unknown", "NodeNotReady")
    (name,) = world.names("Node")
    world.set_condition("Node", name, "Ready", "True", "")
    assert conditions(world)["Initialized"] == ("True", "Initialized")
    assert conditions(world)["Ready"] == ("True", "Ready")


def test_the_node_is_what_the_claim_asked_for(world):
    name = provision(world)
    node = world.objects.get("Node", name)
    labels = node["metadata"]["labels"]
    assert labels["kaito.sh/workspace"] == "ws"
    assert labels["karpenter.sh/nodepool"] == "kaito"
    assert labels["node.kubernetes.io/instance-type"] == "Standard_NC24ads_A100_v4"
    assert labels["kubernetes.io/hostname"] == name
    assert labels["karpenter.sh/initialized"] == "true"
    assert "moorage.sh/runtime" not in labels
    assert node["spec"]["taints"][0] == {"key": "sku", "value": "gpu", "effect": "NoSchedule"}
    assert node["status"]["capacity"]["nvidia.com/gpu"] == "1"
    assert node["status"]["capacity"]["cpu"] == "24"
    found = world.objects.get("NodeClaim", "ws-1")
    assert found["status"]["nodeName"] == name
    assert found["status"]["providerID"] == node["spec"]["providerID"]
    assert found["status"]["allocatable"] == node["status"]["allocatable"]


def test_a_local_node_offers_this_machine_and_no_gpu(world):
    name = provision(world, "local-cpu")
    node = world.objects.get("Node", name)
    assert node["metadata"]["labels"]["moorage.sh/runtime"] == "local"
    assert node["status"]["allocatable"]["cpu"] == "4"
    assert node["status"]["allocatable"]["memory"] == "8388608Ki"
    assert "nvidia.com/gpu" not in node["status"]["capacity"]


def test_gpus_that_were_lost_stay_lost_until_someone_finds_them(world):
    provision(world)
    (name,) = world.names("Node")
    node = world.objects.get("Node", name)
    lost = {**node["status"]["allocatable"], "nvidia.com/gpu": "0"}
    world.objects.update_status({**node, "status": {**node["status"], "allocatable": lost}})
    world.advance(60)
    assert world.objects.get("Node", name)["status"]["allocatable"]["nvidia.com/gpu"] == "0"


def test_instance_types_are_found_in_any_case(world):
    provision(world, "standard_nc24ads_a100_v4")


@pytest.mark.parametrize("instance_type", ["Standard_Nonsense", ""])
def test_an_unknown_instance_type_is_refused_for_good(world, instance_type):
    text = claim(instance_type) if instance_type else claim().replace("instance-type", "other")
    world.create(text)
    world.advance(600)
    assert conditions(world)["Launched"] == ("False", "InvalidInstanceType")
    assert conditions(world)["Ready"] == ("False", "UnhealthyDependents")
    assert world.names("Node") == []
    world.delete("NodeClaim", "ws-1", "")
    assert world.names("NodeClaim") == []


@pytest.mark.parametrize("seconds", [0, 30, 62, 100, 112])
def test_a_restart_at_any_time_carries_on_and_makes_one_node(world, seconds):
    world.create(claim())
    world.advance(seconds)
    world.stop()
    world.start()
    world.advance(115 - seconds)
    world.advance(60)
    (name,) = world.names("Node")
    world.set_condition("Node", name, "Ready", "True", "")
    assert conditions(world)["Ready"] == ("True", "Ready")


def test_each_claim_has_a_node_of_its_own(world):
    world.create(claim(name="ws-1"))
    world.create(claim(name="ws-2"))
    world.advance(61)
    world.advance(31)
    nodes = {
        world.objects.get("NodeClaim", name)["status"]["nodeName"] for name in ("ws-1", "ws-2")
    }
    assert nodes == set(world.names("Node"))
    assert len(nodes) == 2


def test_startup_taints_hold_initialization_back(world):
    taint = "startupTaints: [{key: agent, effect: NoSchedule}]"
    world.create(claim() + f"  {taint}\n")
    world.advance(61)
    world.advance(52)
    (name,) = world.names("Node")
    world.set_condition("Node", name, "Ready", "True", "")
    assert conditions(world)["Initialized"] == ("Unknown", "StartupTaintsExist")
    node = world.objects.get("Node", name)
    taints = [item for item in node["spec"]["taints"] if item["key"] != "agent"]
    world.change("Node", name, "", taints=taints)
    assert conditions(world)["Initialized"] == ("True", "Initialized")


def test_a_claim_whose_node_was_deleted_says_so_and_makes_no_other(world):
    name = provision(world)
    world.delete("Node", name, "")
    world.advance(600)
    assert world.names("Node") == []
    assert conditions(world)["Registered"] == ("False", "InstanceLost")
    assert conditions(world)["Ready"] == ("False", "UnhealthyDependents")


def test_deletion_drains_then_terminates_then_releases(world):
    name = provision(world)
    world.create(
        """
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: default}
spec:
  containers: [{name: main, image: i}]
  tolerations: [{operator: Exists}]
"""
    )
    world.run_pod("p")
    world.delete("NodeClaim", "ws-1", "")
    assert "deletionTimestamp" in world.objects.get("Pod", "p", "default")["metadata"]
    assert conditions(world)["Drained"] == ("False", "Draining")
    world.remove_pod("p")
    assert conditions(world)["Drained"] == ("True", "Drained")
    assert world.names("Node") == [name]
    world.advance(16)
    assert world.names("Node") == []
    assert world.names("NodeClaim") == []


def test_a_drain_that_does_not_end_is_cut_off_and_the_pods_go_with_the_node(world):
    provision(world)
    world.create(
        """
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: default, finalizers: [example.com/held]}
spec:
  containers: [{name: main, image: i}]
  tolerations: [{operator: Exists}]
"""
    )
    world.run_pod("p")
    world.delete("NodeClaim", "ws-1", "")
    world.advance(39)
    assert world.names("NodeClaim") == ["ws-1"]
    world.advance(17)
    assert world.names("Node") == []
    assert world.names("NodeClaim") == []


def test_a_claim_deleted_before_launch_is_gone_at_once(world):
    world.create(claim())
    world.delete("NodeClaim", "ws-1", "")
    world.advance(300)
    assert world.names("NodeClaim") == []
    assert world.names("Node") == []


def test_a_restart_during_deletion_completes_it(world):
    provision(world)
    world.delete("NodeClaim", "ws-1", "")
    world.stop()
    world.start()
    world.advance(60)
    assert world.names("NodeClaim") == []
    assert world.names("Node") == []
