import logging

import pytest

from simulator.controllers.control_plane import ControlPlane, retry_delay
from simulator.controllers.controller import Key, key_of
from simulator.kubernetes.status import ApiError

CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "default"}}


class Recorder:
    """A controller that notes what it was asked, and answers what the test wants."""

    name = "recorder"
    watches = ("ConfigMap",)

    def __init__(self, world, answer=lambda key: None):
        self.calls = []
        self._world = world
        self._answer = answer

    def affected(self, change):
        return [key_of(change.object)]

    def reconcile(self, key):
        self.calls.append((round(self._world.loop.time(), 2), key.name))
        return self._answer(key)


@pytest.fixture
def start(world):
    running = []

    def begin(*controllers):
        running.append(world.loop.create_task(ControlPlane(world.objects, controllers).run()))
        world.advance()

    yield begin
    for task in running:
        task.cancel()
    world.advance()


def config_map(world, name):
    return world.objects.create(
        {**CONFIG_MAP, "metadata": {**CONFIG_MAP["metadata"], "name": name}}
    )


def names(recorder):
    return [name for _, name in recorder.calls]


def test_objects_that_are_there_already_are_reconciled_in_order(world, start):
    for name in ("b", "a", "c"):
        config_map(world, name)
    recorder = Recorder(world)
    start(recorder)
    assert names(recorder) == ["a", "b", "c"]


def test_changes_before_their_turn_are_merged(world, start):
    recorder = Recorder(world)
    start(recorder)
    created = config_map(world, "a")
    world.objects.update({**created, "data": {"x": "1"}})
    config_map(world, "b")
    world.advance()
    assert names(recorder) == ["a", "b"]


def test_a_controller_is_called_again_when_it_asked_to_be(world, start):
    recorder = Recorder(world, lambda _: 10.0)
    start(recorder)
    config_map(world, "a")
    world.advance(25)
    assert [round(time) for time, _ in recorder.calls] == [0, 10, 20]


def test_an_earlier_change_takes_the_place_of_the_timer(world, start):
    recorder = Recorder(world, lambda _: 10.0)
    start(recorder)
    created = config_map(world, "a")
    world.advance(5)
    world.objects.update({**created, "data": {"x": "1"}})
    world.advance(12)
    assert [round(time) for time, _ in recorder.calls] == [0, 5, 15]


def test_a_controller_that_no_longer_waits_is_not_called_again(world, start):
    answers = iter([10.0, None])
    recorder = Recorder(world, lambda _: next(answers))
    start(recorder)
    created = config_map(world, "a")
    world.advance(5)
    world.objects.update({**created, "data": {"x": "1"}})
    world.advance(100)
    assert [round(time) for time, _ in recorder.calls] == [0, 5]


def test_a_success_ends_the_backoff(world, start):
    failing = iter([True] * 6 + [False] + [True] * 50)

    def fail_at_times(_):
        if next(failing):
            raise ApiError(409, "Conflict", "stale")

    recorder = Recorder(world, fail_at_times)
    start(recorder)
    created = config_map(world, "a")
    world.advance(2)
    before = len(recorder.calls)
    world.objects.update({**created, "data": {"x": "1"}})
    world.advance(0.05)
    assert before == 7
    assert len(recorder.calls) >= 10


def test_a_failure_is_logged_with_its_object_retried_later_and_stops_nobody(world, start, caplog):
    def fail(key):
        if key.name == "bad":
            raise ValueError("broken beyond repair")

    recorder = Recorder(world, fail)
    with caplog.at_level(logging.ERROR):
        start(recorder)
        config_map(world, "bad")
        config_map(world, "good")
        world.advance(1)
    assert names(recorder).count("good") == 1
    assert 5 <= names(recorder).count("bad") <= 8
    assert "recorder" in caplog.text
    assert "default/bad" in caplog.text
    assert "broken beyond repair" in caplog.text


def test_a_conflict_is_retried_without_noise(world, start, caplog):
    answers = iter([ApiError(409, "Conflict", "stale"), None])

    def conflict_once(_):
        if error := next(answers):
            raise error

    recorder = Recorder(world, conflict_once)
    with caplog.at_level(logging.INFO):
        start(recorder)
        config_map(world, "a")
        world.advance(1)
    assert names(recorder) == ["a", "a"]
    assert caplog.text == ""


def test_retry_delays_double_up_to_a_bound():
    assert [retry_delay(n) for n in (1, 2, 3)] == [0.01, 0.02, 0.04]
    assert retry_delay(10_000) == 30.0


def test_after_cancellation_nothing_is_called(world):
    recorder = Recorder(world, lambda _: 1.0)
    task = world.loop.create_task(ControlPlane(world.objects, [recorder]).run())
    config_map(world, "a")
    world.advance()
    task.cancel()
    world.advance(5)
    config_map(world, "b")
    world.advance(5)
    assert names(recorder) == ["a"]
    assert task.cancelled()


def test_a_namespaced_key_reads_as_people_write_it():
    assert str(Key("default", "web")) == "default/web"
    assert str(Key("", "node-1")) == "node-1"


EVERYTHING = [
    """
apiVersion: v1
kind: Service
metadata: {name: web, namespace: default}
spec: {selector: {app: web}, ports: [{port: 80}, {name: grpc, port: 81, targetPort: 8001}]}
""".replace("{port: 80}", "{name: http, port: 80}"),
    """
apiVersion: v1
kind: Service
metadata: {name: single, namespace: default}
spec: {selector: {app: web}, ports: [{port: 80}]}
""",
    """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web, namespace: default}
spec:
  replicas: 2
  podManagementPolicy: Parallel
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: main, image: i, readinessProbe: {httpGet: {port: 80}}}]
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
""",
    """
apiVersion: apps/v1
kind: Deployment
metadata: {name: front, namespace: default}
spec:
  selector: {matchLabels: {app: front}}
  template:
    metadata: {labels: {app: front}}
    spec: {containers: [{name: main, image: i}], nodeSelector: {nowhere: "true"}}
""",
    """
apiVersion: batch/v1
kind: Job
metadata: {name: once, namespace: default}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: i}]}}}
""",
    """
apiVersion: karpenter.sh/v1
kind: NodeClaim
metadata: {name: claim}
spec:
  nodeClassRef: {group: kaito.sh, kind: KaitoNodeClass, name: default}
  requirements:
    - {key: node.kubernetes.io/instance-type, operator: In, values: [Standard_NC24ads_A100_v4]}
""",
]


def test_a_settled_cluster_writes_nothing(world):
    world.add_node("one")
    for manifest in EVERYTHING:
        world.create(manifest)
    world.run_pod("web-0", ip="127.65.0.2")
    world.run_pod("web-1", ip="127.65.0.3", ready=False)
    world.advance(30)
    for name in world.names("Node"):
        world.set_condition("Node", name, "Ready", "True", "")
    world.advance(30)
    changes = []
    unsubscribe = world.objects.subscribe(changes.append)
    world.advance(300)
    unsubscribe()
    assert [(c.object["kind"], c.object["metadata"]["name"]) for c in changes] == []


def test_a_restart_of_a_settled_cluster_writes_nothing(world):
    world.add_node("one")
    for manifest in EVERYTHING:
        world.create(manifest)
    world.advance(30)
    changes = []
    world.stop()
    unsubscribe = world.objects.subscribe(changes.append)
    world.start()
    world.advance(30)
    unsubscribe()
    assert [(c.object["kind"], c.object["metadata"]["name"]) for c in changes] == []


def test_what_was_deleted_while_the_control_plane_was_down_leaves_nothing_behind(world):
    world.add_node("one")
    for manifest in EVERYTHING:
        world.create(manifest)
    world.run_pod("web-0", ip="127.65.0.2")
    world.advance(30)
    world.stop()
    for service in world.names("Service", "default"):
        world.objects.delete("Service", service, "default")
    for kind, name in (("StatefulSet", "web"), ("Deployment", "front"), ("Job", "once")):
        world.objects.delete(kind, name, "default")
    for claim in world.names("PersistentVolumeClaim"):
        world.objects.delete("PersistentVolumeClaim", claim, "default")
    world.objects.delete("NodeClaim", "claim")
    world.start()
    world.advance(1)
    for name in world.names("Pod"):
        world.remove_pod(name)
    world.advance(60)
    left = ("Endpoints", "EndpointSlice", "PersistentVolume", "NodeClaim", "Pod", "ReplicaSet")
    assert {kind: world.names(kind) for kind in left} == {kind: [] for kind in left}
    assert world.names("Node") == ["one"]


def test_a_slice_that_someone_deleted_comes_back(world):
    world.create(EVERYTHING[0])
    (name,) = world.names("EndpointSlice")
    world.delete("EndpointSlice", name)
    assert world.names("EndpointSlice") == [name]
    world.delete("Endpoints", "web")
    assert world.names("Endpoints") == ["web"]


def test_equal_runs_leave_equal_histories(new_world):
    def history():
        world = new_world()
        seen = []
        world.objects.subscribe(
            lambda c: seen.append((c.type, c.object["kind"], c.object["metadata"]["name"]))
        )
        world.add_node("one")
        for manifest in EVERYTHING:
            world.create(manifest)
        world.advance(60)
        return seen

    first, second = history(), history()
    assert len(first) > 30
    assert first == second
