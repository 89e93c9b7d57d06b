import pytest

STATEFUL_SET = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web, namespace: default}
spec:
  replicas: 3
  serviceName: web-headless
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: main, image: "example/web:1"}]
"""
PARALLEL = STATEFUL_SET + "  podManagementPolicy: Parallel\n"
SECOND_IMAGE = {
    "metadata": {"labels": {"app": "web"}},
    "spec": {"containers": [{"name": "main", "image": "example/web:2"}]},
}


def run_all(world):
    """Until nothing new starts."""
    while waiting := [
        pod["metadata"]["name"]
        for pod in world.objects.list("Pod")
        if pod["status"].get("phase") != "Running"
    ]:
        for name in waiting:
            world.run_pod(name)


def status(world):
    return world.objects.get("StatefulSet", "web", "default")["status"]


def images(world):
    return {
        pod["metadata"]["name"]: pod["spec"]["containers"][0]["image"]
        for pod in world.objects.list("Pod")
    }


def test_ordered_pods_start_one_after_the_other(world):
    world.create(STATEFUL_SET)
    assert world.names("Pod") == ["web-0"]
    world.run_pod("web-0", ready=False)
    assert world.names("Pod") == ["web-0"]
    world.run_pod("web-0")
    assert world.names("Pod") == ["web-0", "web-1"]
    run_all(world)
    assert world.names("Pod") == ["web-0", "web-1", "web-2"]


def test_parallel_pods_start_at_once(world):
    world.create(PARALLEL)
    assert world.names("Pod") == ["web-0", "web-1", "web-2"]


def test_pods_carry_their_identity(world):
    world.create(STATEFUL_SET)
    pod = world.objects.get("Pod", "web-0", "default")
    revision = status(world)["updateRevision"]
    assert pod["metadata"]["labels"] == {
        "app": "web",
        "apps.kubernetes.io/pod-index": "0",
        "controller-revision-hash": revision,
        "statefulset.kubernetes.io/pod-name": "web-0",
    }
    assert (pod["spec"]["hostname"], pod["spec"]["subdomain"]) == ("web-0", "web-headless")
    assert world.names("ControllerRevision") == [revision]


def test_status_counts_pods(world):
    world.create(PARALLEL)
    world.run_pod("web-0")
    world.run_pod("web-1", ready=False)
    found = status(world)
    assert found["observedGeneration"] == 1
    assert (found["replicas"], found["readyReplicas"], found["availableReplicas"]) == (3, 1, 1)
    assert found["currentReplicas"] == found["updatedReplicas"] == 3


def test_min_ready_seconds_delay_availability(world):
    world.create(STATEFUL_SET + "  minReadySeconds: 20\n")
    world.run_pod("web-0")
    world.advance(19)
    assert status(world)["readyReplicas"] == 1
    assert status(world)["availableReplicas"] == 0
    assert world.names("Pod") == ["web-0"]
    world.advance(2)
    assert status(world)["availableReplicas"] == 1
    assert world.names("Pod") == ["web-0", "web-1"]


def test_rolling_update_replaces_from_the_highest_ordinal_and_waits(world):
    world.create(STATEFUL_SET)
    run_all(world)
    world.change("StatefulSet", "web", template=SECOND_IMAGE)
    assert images(world) == dict.fromkeys(["web-0", "web-1"], "example/web:1") | {
        "web-2": "example/web:2"
    }
    world.run_pod("web-2", ready=False)
    assert images(world)["web-1"] == "example/web:1"
    run_all(world)
    world.run_pod("web-2")
    run_all(world)
    assert set(images(world).values()) == {"example/web:2"}
    found = status(world)
    assert found["currentRevision"] == found["updateRevision"]
    assert found["updatedReplicas"] == 3


def test_partition_holds_lower_ordinals_back_even_when_they_are_lost(world):
    world.create(STATEFUL_SET)
    run_all(world)
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}
    world.change("StatefulSet", "web", template=SECOND_IMAGE, updateStrategy=strategy)
    run_all(world)
    world.remove_pod("web-0")
    run_all(world)
    assert images(world) == {
        "web-0": "example/web:1",
        "web-1": "example/web:1",
        "web-2": "example/web:2",
    }
    found = status(world)
    assert (found["currentReplicas"], found["updatedReplicas"]) == (2, 1)
    assert found["currentRevision"] != found["updateRevision"]


def test_on_delete_updates_only_pods_that_were_deleted(world):
    world.create(STATEFUL_SET)
    run_all(world)
    world.change("StatefulSet", "web", template=SECOND_IMAGE, updateStrategy={"type": "OnDelete"})
    assert set(images(world).values()) == {"example/web:1"}
    world.remove_pod("web-1")
    run_all(world)
    assert images(world)["web-1"] == "example/web:2"
    assert images(world)["web-0"] == "example/web:1"


def test_on_delete_never_declares_the_new_revision_current(world):
    """As Kubernetes, which moves currentRevision only at the end of a roll-out of its own."""
    world.create(PARALLEL)
    run_all(world)
    world.change("StatefulSet", "web", template=SECOND_IMAGE, updateStrategy={"type": "OnDelete"})
    for name in world.names("Pod"):
        world.remove_pod(name)
    run_all(world)
    found = status(world)
    assert found["updatedReplicas"] == found["readyReplicas"] == 3
    assert found["currentRevision"] != found["updateRevision"]


def test_return_to_an_old_template_reuses_its_revision(world):
    world.create(STATEFUL_SET)
    run_all(world)
    first = status(world)["updateRevision"]
    template = world.objects.get("StatefulSet", "web", "default")["spec"]["template"]
    world.change("StatefulSet", "web", template=SECOND_IMAGE)
    world.change("StatefulSet", "web", template=template)
    assert status(world)["updateRevision"] == first
    numbers = {
        item["metadata"]["name"]: item["revision"]
        for item in world.objects.list("ControllerRevision")
    }
    assert sorted(numbers.values()) == [2, 3]
    assert numbers[first] == 3


def test_scale_down_removes_the_highest_ordinal_first_and_waits_for_it(world):
    world.add_node("one")
    world.create(STATEFUL_SET)
    run_all(world)
    world.change("StatefulSet", "web", replicas=1)
    terminating = [
        pod["metadata"]["name"]
        for pod in world.objects.list("Pod")
        if "deletionTimestamp" in pod["metadata"]
    ]
    assert terminating == ["web-2"]
    world.remove_pod("web-2")
    world.remove_pod("web-1")
    assert world.names("Pod") == ["web-0"]
    assert status(world)["replicas"] == 1


@pytest.mark.parametrize("phase", ["Failed", "Succeeded"])
def test_finished_pods_are_replaced(world, phase):
    world.create(PARALLEL)
    run_all(world)
    before = world.objects.get("Pod", "web-1", "default")["metadata"]["uid"]
    world.finish_pod("web-1", phase)
    after = world.objects.get("Pod", "web-1", "default")
    assert after["metadata"]["uid"] != before
    assert after["status"]["phase"] == "Pending"


def test_claim_templates_give_each_pod_a_bound_volume(world):
    world.create(
        PARALLEL
        + """
  volumeClaimTemplates:
    - metadata: {name: weights}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 20Gi}}}
"""
    )
    claims = world.objects.list("PersistentVolumeClaim")
    assert [item["metadata"]["name"] for item in claims] == [f"weights-web-{n}" for n in range(3)]
    assert {item["status"]["phase"] for item in claims} == {"Bound"}
    volumes = world.objects.get("Pod", "web-1", "default")["spec"]["volumes"]
    assert volumes == [{"name": "weights", "persistentVolumeClaim": {"claimName": "weights-web-1"}}]


@pytest.mark.parametrize(("policy", "left"), [("Retain", 3), ("Delete", 1)])
def test_claims_of_surplus_pods_follow_the_retention_policy(world, policy, left):
    world.create(
        PARALLEL
        + f"""
  persistentVolumeClaimRetentionPolicy: {{whenScaled: {policy}}}
  volumeClaimTemplates:
    - metadata: {{name: weights}}
      spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 20Gi}}}}}}
"""
    )
    run_all(world)
    world.change("StatefulSet", "web", replicas=1)
    assert len(world.names("PersistentVolumeClaim")) == left
    assert len(world.names("PersistentVolume")) == left


def test_the_claim_of_a_surplus_pod_stays_until_the_pod_has_ended(world):
    world.add_node("one")
    world.create(
        PARALLEL
        + """
  persistentVolumeClaimRetentionPolicy: {whenScaled: Delete}
  volumeClaimTemplates:
    - metadata: {name: weights}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 20Gi}}}
"""
    )
    run_all(world)
    world.change("StatefulSet", "web", replicas=2)
    assert "weights-web-2" in world.names("PersistentVolumeClaim")
    world.remove_pod("web-2")
    assert world.names("PersistentVolumeClaim") == ["weights-web-0", "weights-web-1"]


def test_a_stranger_under_a_pods_name_is_left_alone_and_reported(world):
    stranger = world.create(
        """
apiVersion: v1
kind: Pod
metadata: {name: web-1, namespace: default, labels: {app: other}}
spec: {containers: [{name: main, image: i}]}
"""
    )
    world.create(PARALLEL)
    found = world.objects.get("Pod", "web-1", "default")
    assert found["metadata"]["uid"] == stranger["metadata"]["uid"]
    assert "ownerReferences" not in found["metadata"]
    assert world.names("Pod") == ["web-0", "web-1"]
    reasons = {item["reason"] for item in world.objects.list("Event", "default")}
    assert "FailedCreate" in reasons
    world.delete("Pod", "web-1")
    world.advance(5)
    assert world.names("Pod") == ["web-0", "web-1", "web-2"]


def test_orphans_are_adopted_by_a_set_of_the_same_name(world):
    world.create(PARALLEL)
    run_all(world)
    world.delete("StatefulSet", "web", propagation="Orphan")
    assert "ownerReferences" not in world.objects.get("Pod", "web-0", "default")["metadata"]
    adopter = world.create(PARALLEL)
    owners = world.objects.get("Pod", "web-0", "default")["metadata"]["ownerReferences"]
    assert [owner["uid"] for owner in owners] == [adopter["metadata"]["uid"]]
    assert len(world.names("Pod")) == 3


def test_deleting_the_set_deletes_its_pods_and_revisions(world):
    world.create(PARALLEL)
    world.delete("StatefulSet", "web")
    assert world.names("Pod") == []
    assert world.names("ControllerRevision") == []


def test_history_is_pruned_to_its_limit(world):
    world.create(STATEFUL_SET + "  revisionHistoryLimit: 1\n")
    for number in range(2, 6):
        template = {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "main", "image": f"example/web:{number}"}]},
        }
        world.change("StatefulSet", "web", template=template)
        run_all(world)
    assert len(world.names("ControllerRevision")) <= 3


def test_events_tell_of_creation(world):
    world.create(STATEFUL_SET)
    messages = [item["message"] for item in world.objects.list("Event", "default")]
    assert "create Pod web-0 in StatefulSet web successful" in messages
