import pytest

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default, annotations: {kubernetes.io/change-cause: first}}
spec:
  replicas: 4
  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 1}}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: main, image: "example/web:1"}]
"""


def template(number):
    return {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "main", "image": f"example/web:{number}"}]},
    }


def get(world):
    return world.objects.get("Deployment", "web", "default")


def progress(world, type_="Progressing"):
    conditions = get(world)["status"]["conditions"]
    found = next(item for item in conditions if item["type"] == type_)
    return found["status"], found["reason"]


def start_all(world):
    """One pod after the other, until nothing new starts; answers what was seen on the way."""
    seen = []
    while waiting := [
        pod["metadata"]["name"]
        for pod in world.objects.list("Pod")
        if pod["status"].get("phase") != "Running"
    ]:
        world.run_pod(waiting[0])
        pods = world.objects.list("Pod")
        available = sum(pod["status"].get("phase") == "Running" for pod in pods)
        seen.append((len(pods), available))
    return seen


def sizes(world):
    return {
        item["spec"]["template"]["spec"]["containers"][0]["image"]: item["spec"]["replicas"]
        for item in world.objects.list("ReplicaSet")
    }


def test_a_deployment_becomes_available_and_complete(world):
    world.create(DEPLOYMENT)
    assert progress(world) == ("True", "ReplicaSetUpdated")
    assert progress(world, "Available") == ("False", "MinimumReplicasUnavailable")
    start_all(world)
    status = get(world)["status"]
    counted = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    assert [status[field] for field in counted] == [4, 4, 4, 4]
    assert status["observedGeneration"] == get(world)["metadata"]["generation"]
    assert progress(world) == ("True", "NewReplicaSetAvailable")
    assert progress(world, "Available") == ("True", "MinimumReplicasAvailable")


def test_pods_carry_the_hash_of_their_template(world):
    world.create(DEPLOYMENT)
    (replica_set,) = world.objects.list("ReplicaSet")
    digest = replica_set["metadata"]["labels"]["pod-template-hash"]
    assert replica_set["metadata"]["name"] == f"web-{digest}"
    for pod in world.objects.list("Pod"):
        assert pod["metadata"]["name"].startswith(f"web-{digest}-")
        assert pod["metadata"]["labels"] == {"app": "web", "pod-template-hash": digest}


def test_a_rolling_update_keeps_its_bounds_throughout(world):
    world.create(DEPLOYMENT)
    start_all(world)
    world.change("Deployment", "web", template=template(2))
    seen = start_all(world)
    assert len(seen) == 4
    assert max(total for total, _ in seen) <= 5
    assert min(available for _, available in seen) >= 3
    assert sizes(world) == {"example/web:1": 0, "example/web:2": 4}
    assert progress(world) == ("True", "NewReplicaSetAvailable")


def test_a_broken_template_never_costs_more_than_max_unavailable(world):
    world.create(DEPLOYMENT)
    start_all(world)
    world.change("Deployment", "web", template=template(2))
    world.advance(60)
    running = [p for p in world.objects.list("Pod") if p["status"].get("phase") == "Running"]
    assert len(running) == 3
    assert len(world.names("Pod")) == 5


def test_a_second_update_during_the_first_replaces_pods_that_serve_nobody(world):
    world.create(DEPLOYMENT)
    start_all(world)
    world.change("Deployment", "web", template=template(2))
    world.change("Deployment", "web", template=template(3))
    start_all(world)
    assert sizes(world) == {"example/web:1": 0, "example/web:2": 0, "example/web:3": 4}


def test_recreate_waits_for_the_old_pods_to_go(world):
    world.add_node("one")
    recreate = "strategy: {type: Recreate}"
    text = DEPLOYMENT.replace(
        "strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 1}}", recreate
    )
    world.create(text)
    start_all(world)
    old = world.names("Pod")
    world.change("Deployment", "web", template=template(2))
    assert sizes(world) == {"example/web:1": 0, "example/web:2": 0}
    for name in old:
        world.remove_pod(name)
    assert sizes(world) == {"example/web:1": 0, "example/web:2": 4}


def test_a_rollback_takes_the_old_set_under_a_new_revision(world):
    world.create(DEPLOYMENT)
    start_all(world)
    original = get(world)["spec"]["template"]
    world.change("Deployment", "web", template=template(2))
    start_all(world)
    world.change("Deployment", "web", template=original)
    start_all(world)
    assert sizes(world) == {"example/web:1": 4, "example/web:2": 0}
    assert get(world)["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"
    revisions = sorted(
        item["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
        for item in world.objects.list("ReplicaSet")
    )
    assert revisions == ["2", "3"]


@pytest.mark.parametrize("replicas", [0, 2, 6])
def test_scaling_reaches_the_pods(world, replicas):
    world.create(DEPLOYMENT)
    start_all(world)
    world.change("Deployment", "web", replicas=replicas)
    start_all(world)
    assert len(world.names("Pod")) == replicas
    assert get(world)["status"]["replicas"] == replicas
    assert progress(world) == ("True", "NewReplicaSetAvailable")


def test_scaling_down_spares_pods_that_serve(world):
    world.create(DEPLOYMENT)
    serving = world.names("Pod")[2]
    world.run_pod(serving)
    world.change("Deployment", "web", replicas=1)
    assert world.names("Pod") == [serving]


def test_a_paused_deployment_scales_but_does_not_roll_out(world):
    world.create(DEPLOYMENT)
    start_all(world)
    world.change("Deployment", "web", paused=True, template=template(2), replicas=5)
    start_all(world)
    assert sizes(world)["example/web:1"] == 5
    world.change("Deployment", "web", paused=False)
    start_all(world)
    assert sizes(world) == {"example/web:1": 0, "example/web:2": 5}


def test_a_stuck_rollout_is_reported_after_its_deadline(world):
    world.create(DEPLOYMENT + "  progressDeadlineSeconds: 30\n")
    world.advance(20)
    name = world.names("Pod")[0]
    world.run_pod(name)
    world.advance(20)
    assert progress(world) == ("True", "ReplicaSetUpdated")
    world.advance(15)
    assert progress(world) == ("False", "ProgressDeadlineExceeded")
    start_all(world)
    assert progress(world) == ("True", "NewReplicaSetAvailable")


def test_old_sets_are_pruned_to_the_history_limit(world):
    world.create(DEPLOYMENT + "  revisionHistoryLimit: 1\n")
    start_all(world)
    for number in range(2, 6):
        world.change("Deployment", "web", template=template(number))
        start_all(world)
    assert sizes(world) == {"example/web:4": 0, "example/web:5": 4}


def test_lost_pods_are_replaced(world):
    world.create(DEPLOYMENT)
    start_all(world)
    world.remove_pod(world.names("Pod")[0])
    world.finish_pod(world.names("Pod")[0], "Failed")
    start_all(world)
    assert get(world)["status"]["availableReplicas"] == 4


def test_deleting_the_deployment_removes_everything(world):
    world.create(DEPLOYMENT)
    world.delete("Deployment", "web")
    assert world.names("ReplicaSet") == []
    assert world.names("Pod") == []
