import pytest


def pod(name="p", spec=""):
    return f"""
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: default, labels: {{app: {name}}}}}
spec:
  containers: [{{name: main, image: example/main}}]
{spec}"""


def requesting(name="p", **resources):
    amounts = ", ".join(f"{key}: {value}" for key, value in resources.items())
    container = f"{{name: main, image: i, resources: {{requests: {{{amounts}}}}}}}"
    return f"""
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: default}}
spec: {{containers: [{container}]}}
"""


def gpu_pod(name, count):
    return requesting(name).replace("requests: {}", f'limits: {{"nvidia.com/gpu": {count}}}')


def node_of(world, name="p"):
    return world.objects.get("Pod", name, "default")["spec"].get("nodeName")


def refusal(world, name="p"):
    conditions = world.objects.get("Pod", name, "default")["status"]["conditions"]
    return next(item for item in conditions if item["type"] == "PodScheduled")


def set_node(world, name, *, labels=None, **spec):
    node = world.objects.get("Node", name)
    metadata = {**node["metadata"], "labels": {**node["metadata"]["labels"], **(labels or {})}}
    world.objects.update({**node, "metadata": metadata, "spec": {**node["spec"], **spec}})
    world.advance()


GPU_TAINT = {"key": "sku", "value": "gpu", "effect": "NoSchedule"}


def test_a_pod_is_bound_to_the_node_that_fits(world):
    world.add_node("one")
    world.create(pod())
    assert node_of(world) == "one"
    assert refusal(world)["status"] == "True"
    messages = [item["message"] for item in world.objects.list("Event")]
    assert messages == ["Successfully assigned default/p to one"]


def test_without_nodes_the_pod_waits_and_says_so(world):
    world.create(pod())
    assert refusal(world)["reason"] == "Unschedulable"
    assert refusal(world)["message"] == "no nodes available to schedule pods"


def test_a_new_node_wakes_the_pods_that_wait_oldest_first(world):
    world.create(requesting("second", cpu=3))
    world.advance(1)
    world.create(requesting("first", cpu=3))
    world.add_node("one")
    assert node_of(world, "second") == "one"
    assert node_of(world, "first") is None


def test_the_refusal_counts_nodes_by_reason_in_the_schedulers_words(world):
    world.add_node("plain-1")
    world.add_node("plain-2")
    world.add_node("tainted", **{"nvidia.com/gpu": "1"})
    set_node(world, "tainted", taints=[GPU_TAINT])
    world.create(gpu_pod("p", 1))
    assert refusal(world)["message"] == (
        "0/3 nodes are available: 1 node(s) had untolerated taint {sku: gpu}, "
        "2 Insufficient nvidia.com/gpu."
    )


NOT_READY_YET = (
    "0/2 nodes are available: 1 Insufficient cpu, "
    "1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }."
)


def test_a_repeated_refusal_is_one_event(world):
    world.add_node("one")
    world.create(requesting("p", cpu=64))
    for number in range(3):
        world.add_node(f"label-change-{number}", cpu="1")
        world.delete("Node", f"label-change-{number}", "")
    events = [e for e in world.objects.list("Event") if e["reason"] == "FailedScheduling"]
    assert {e["message"] for e in events} == {
        "0/1 nodes are available: 1 Insufficient cpu.",
        NOT_READY_YET,
        "0/2 nodes are available: 2 Insufficient cpu.",
    }
    assert max(e["count"] for e in events) > 1


@pytest.mark.parametrize(
    ("toleration", "fits"),
    [
        ("{key: sku, operator: Equal, value: gpu, effect: NoSchedule}", True),
        ("{key: sku, operator: Exists}", True),
        ("{operator: Exists}", True),
        ("{key: sku, operator: Equal, value: cpu, effect: NoSchedule}", False),
        ("{key: sku, operator: Exists, effect: NoExecute}", False),
        ("{key: other, operator: Exists}", False),
    ],
)
def test_taints_keep_pods_away_unless_tolerated(world, toleration, fits):
    world.add_node("gpu")
    set_node(world, "gpu", taints=[GPU_TAINT])
    world.create(pod(spec=f"  tolerations: [{toleration}]\n"))
    assert (node_of(world) == "gpu") is fits


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        ("{key: size, operator: In, values: ['10', '20']}", True),
        ("{key: size, operator: In, values: ['20']}", False),
        ("{key: size, operator: NotIn, values: ['20']}", True),
        ("{key: absent, operator: NotIn, values: ['20']}", True),
        ("{key: size, operator: Exists}", True),
        ("{key: size, operator: DoesNotExist}", False),
        ("{key: size, operator: Gt, values: ['9']}", True),
        ("{key: size, operator: Gt, values: ['10']}", False),
        ("{key: size, operator: Lt, values: ['11']}", True),
        ("{key: absent, operator: Lt, values: ['11']}", False),
    ],
)
def test_required_node_affinity(world, expression, fits):
    world.add_node("one")
    set_node(world, "one", labels={"size": "10"})
    world.create(
        pod(
            spec=f"""
  affinity:
    nodeAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        nodeSelectorTerms: [{{matchExpressions: [{expression}]}}]
"""
        )
    )
    assert (node_of(world) == "one") is fits
    if not fits:
        assert "didn't match Pod's node affinity/selector" in refusal(world)["message"]


def test_node_selector_must_match(world):
    world.add_node("one")
    world.create(pod(spec="  nodeSelector: {disk: ssd}\n"))
    assert node_of(world) is None
    set_node(world, "one", labels={"disk": "ssd"})
    assert node_of(world) == "one"


def test_preferred_affinity_outweighs_load(world):
    world.add_node("busy", cpu="1")
    world.add_node("idle", cpu="64")
    set_node(world, "busy", labels={"kept": "warm"})
    world.create(
        pod(
            spec="""
  affinity:
    nodeAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
        - weight: 1
          preference: {matchExpressions: [{key: kept, operator: Exists}]}
"""
        )
    )
    assert node_of(world) == "busy"


def test_gpus_are_never_oversubscribed(world):
    world.add_node("gpu", **{"nvidia.com/gpu": "4"})
    for number in range(3):
        world.create(gpu_pod(f"p{number}", 2))
    assert [node_of(world, f"p{n}") for n in range(3)] == ["gpu", "gpu", None]
    world.finish_pod("p0", "Succeeded")
    assert node_of(world, "p2") == "gpu"


def test_the_number_of_pods_is_limited(world):
    world.add_node("one", pods="1")
    world.create(pod("first"))
    world.create(pod("second"))
    assert refusal(world, "second")["message"] == "0/1 nodes are available: 1 Too many pods."
    world.remove_pod("first")
    assert node_of(world, "second") == "one"


@pytest.mark.parametrize("ready", [False, True])
def test_nodes_that_are_not_ready_are_avoided(world, ready):
    world.add_node("one", ready=ready)
    world.create(pod())
    assert (node_of(world) == "one") is ready


def test_cordoned_nodes_are_avoided_until_uncordoned(world):
    world.add_node("one")
    set_node(world, "one", unschedulable=True)
    world.create(pod())
    message = "0/1 nodes are available: 1 node(s) were unschedulable."
    assert refusal(world)["message"] == message
    set_node(world, "one", unschedulable=False)
    assert node_of(world) == "one"


def test_nodes_that_are_being_deleted_get_no_pods(world):
    world.add_node("one")
    node = world.objects.get("Node", "one")
    held = {**node["metadata"], "finalizers": ["example.com/held"]}
    world.objects.update({**node, "metadata": held})
    world.delete("Node", "one", "")
    world.create(pod())
    assert node_of(world) is None


def test_pods_spread_over_equal_nodes(world):
    world.add_node("one")
    world.add_node("two")
    for number in range(4):
        world.create(requesting(f"p{number}", cpu="500m"))
    assert [node_of(world, f"p{n}") for n in range(4)] == ["one", "two", "one", "two"]


def test_pods_of_another_scheduler_and_gated_pods_are_left_alone(world):
    world.add_node("one")
    world.create(pod("other", "  schedulerName: mine\n"))
    world.create(pod("gated", "  schedulingGates: [{name: quota}]\n"))
    assert node_of(world, "other") is None
    assert refusal(world, "gated")["reason"] == "SchedulingGated"


def affine(name, kind, app="web", topology="kubernetes.io/hostname"):
    return pod(
        name,
        f"""
  affinity:
    {kind}:
      requiredDuringSchedulingIgnoredDuringExecution:
        - topologyKey: {topology}
          labelSelector: {{matchExpressions: [{{key: app, operator: In, values: [{app}]}}]}}
""",
    )


def test_anti_affinity_keeps_replicas_on_different_nodes(world):
    world.add_node("one")
    world.add_node("two")
    for name in ("a", "b", "c"):
        text = affine(name, "podAntiAffinity").replace(f"app: {name}", "app: web")
        world.create(text)
    assert {node_of(world, "a"), node_of(world, "b")} == {"one", "two"}
    assert refusal(world, "c")["message"] == (
        "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules."
    )


def test_a_placed_pod_keeps_away_those_it_does_not_want(world):
    world.add_node("one")
    world.create(affine("shy", "podAntiAffinity", app="loud"))
    world.create(pod("loud"))
    assert node_of(world, "loud") is None
    assert "didn't satisfy existing pods anti-affinity rules" in refusal(world, "loud")["message"]


def test_affinity_seeks_the_zone_of_the_other_pod(world):
    for name, zone in (("one", "a"), ("two", "b"), ("three", "b")):
        world.add_node(name)
        set_node(world, name, labels={"zone": zone})
    set_node(world, "two", taints=[GPU_TAINT])
    world.create(pod("web", "  nodeSelector: {zone: b}\n  tolerations: [{operator: Exists}]\n"))
    world.create(affine("p", "podAffinity", topology="zone"))
    assert node_of(world, "p") == "three"


def test_affinity_without_its_partner_waits_unless_the_pod_is_its_own(world):
    world.add_node("one")
    world.create(affine("alone", "podAffinity", app="absent"))
    world.create(affine("first", "podAffinity", app="first"))
    assert "didn't match pod affinity rules" in refusal(world, "alone")["message"]
    assert node_of(world, "first") == "one"
