import pytest

POD = """
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: default, labels: {app: web}}
spec:
  containers: [{name: main, image: i}]
"""


def beat(world, name="one"):
    renewed = world.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": renewed}
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": "kube-node-lease"},
        "spec": spec,
    }
    present = world.objects.find("Lease", name, "kube-node-lease")
    if present is None:
        world.objects.create(lease)
    else:
        world.objects.update({**present, "spec": spec})
    world.advance()


def ready(world, kind="Node", name="one", namespace=""):
    conditions = world.objects.get(kind, name, namespace)["status"]["conditions"]
    return next(item["status"] for item in conditions if item["type"] == "Ready")


def taints(world):
    return {
        (t["key"], t["effect"]) for t in world.objects.get("Node", "one")["spec"].get("taints", ())
    }


@pytest.fixture
def world(new_world):
    world = new_world(default_toleration=100.0)
    world.add_node("one")
    beat(world)
    world.create(POD)
    world.run_pod("p")
    return world


def test_a_node_is_unreachable_when_its_lease_lapses(world):
    world.advance(39)
    assert ready(world) == "True"
    world.advance(2)
    assert ready(world) == "Unknown"
    assert taints(world) == {
        ("node.kubernetes.io/unreachable", "NoSchedule"),
        ("node.kubernetes.io/unreachable", "NoExecute"),
    }
    assert ready(world, "Pod", "p", "default") == "False"


def test_renewals_keep_a_node_ready(world):
    for _ in range(5):
        world.advance(30)
        beat(world)
    assert ready(world) == "True"
    assert taints(world) == set()


def test_taints_go_when_the_kubelet_is_back(world):
    world.advance(41)
    beat(world)
    world.set_condition("Node", "one", "Ready", "True", "")
    assert taints(world) == set()
    world.advance(39)
    assert ready(world) == "True"


def test_a_restarted_control_plane_gives_kubelets_their_full_time(world):
    world.stop()
    world.start()
    world.advance(39)
    assert ready(world) == "True"
    world.advance(2)
    assert ready(world) == "Unknown"


def test_a_node_that_says_it_is_not_ready_is_tainted(world):
    world.set_condition("Node", "one", "Ready", "False", "")
    assert ("node.kubernetes.io/not-ready", "NoExecute") in taints(world)


def test_cordoning_taints_and_uncordoning_cleans(world):
    world.change("Node", "one", "", unschedulable=True)
    assert taints(world) == {("node.kubernetes.io/unschedulable", "NoSchedule")}
    world.change("Node", "one", "", unschedulable=False)
    assert taints(world) == set()


def test_taints_of_others_are_kept(world):
    own = {"key": "sku", "value": "gpu", "effect": "NoSchedule"}
    world.change("Node", "one", "", taints=[own])
    world.set_condition("Node", "one", "Ready", "False", "")
    world.set_condition("Node", "one", "Ready", "True", "")
    assert world.objects.get("Node", "one")["spec"]["taints"] == [own]


def terminating(world, name="p"):
    return "deletionTimestamp" in world.objects.get("Pod", name, "default")["metadata"]


def test_pods_of_an_unreachable_node_are_evicted_after_the_default_time(world):
    world.advance(41)
    world.advance(98)
    assert not terminating(world)
    world.advance(4)
    assert terminating(world)


def test_a_node_that_returns_in_time_keeps_its_pods(world):
    world.advance(41)
    world.advance(50)
    beat(world)
    world.set_condition("Node", "one", "Ready", "True", "")
    for _ in range(10):
        world.advance(30)
        beat(world)
    assert not terminating(world)


@pytest.mark.parametrize(
    ("tolerations", "evicted_after"),
    [
        ([], 0),
        ([{"key": "gone", "operator": "Exists", "effect": "NoExecute"}], None),
        ([{"key": "gone", "operator": "Exists", "tolerationSeconds": 20}], 20),
        ([{"key": "other", "operator": "Exists"}], 0),
    ],
)
def test_no_execute_taints_evict_after_the_tolerated_time(world, tolerations, evicted_after):
    world.change("Pod", "p", tolerations=tolerations)
    stamp = world.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    world.change(
        "Node", "one", "", taints=[{"key": "gone", "effect": "NoExecute", "timeAdded": stamp}]
    )
    if evicted_after is None:
        for _ in range(10):
            world.advance(30)
            beat(world)
        assert not terminating(world)
    else:
        world.advance(max(0.001, evicted_after - 2))
        assert terminating(world) is (evicted_after == 0)
        world.advance(3)
        assert terminating(world)


def test_pods_of_a_deleted_node_are_removed(world):
    world.delete("Node", "one", "")
    assert world.names("Pod") == []


def test_a_pod_held_by_a_finalizer_on_a_deleted_node_is_marked_failed(world):
    pod = world.objects.get("Pod", "p", "default")
    held = {**pod["metadata"], "finalizers": ["example.com/held"]}
    world.objects.update({**pod, "metadata": held})
    world.delete("Node", "one", "")
    assert world.objects.get("Pod", "p", "default")["status"]["phase"] == "Failed"
