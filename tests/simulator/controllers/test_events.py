import pytest

from simulator.controllers.events import EventRecorder

POD = """
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: default}
spec: {schedulerName: none, containers: [{name: main, image: i}]}
"""


@pytest.fixture
def recorder(world):
    return EventRecorder(objects=world.objects, clock=world.clock, component="kubelet", host="one")


def events(world):
    return world.objects.list("Event")


def test_an_event_names_its_object_and_its_source(world, recorder):
    pod = world.create(POD)
    recorder.warning(pod, "Failed", "no such image")
    (event,) = events(world)
    assert event["involvedObject"] == {
        "apiVersion": "v1",
        "kind": "Pod",
        "name": "p",
        "namespace": "default",
        "uid": pod["metadata"]["uid"],
    }
    assert (event["type"], event["reason"], event["message"]) == (
        "Warning",
        "Failed",
        "no such image",
    )
    assert event["source"] == {"component": "kubelet", "host": "one"}


def test_a_repeated_event_is_counted(world, recorder):
    pod = world.create(POD)
    recorder.normal(pod, "Pulled", "image is there")
    first = events(world)[0]["firstTimestamp"]
    world.advance(10)
    recorder.normal(pod, "Pulled", "image is there")
    (event,) = events(world)
    assert event["count"] == 2
    assert event["firstTimestamp"] == first < event["lastTimestamp"]


def test_events_that_differ_in_reason_or_message_stay_apart(world, recorder):
    pod = world.create(POD)
    recorder.normal(pod, "Pulled", "image is there")
    recorder.normal(pod, "Pulled", "another image is there")
    recorder.normal(pod, "Started", "image is there")
    assert len(events(world)) == 3


def test_events_of_cluster_objects_are_kept_in_the_default_namespace(world, recorder):
    world.add_node("one")
    recorder.normal(world.objects.get("Node", "one"), "Starting", "kubelet starts")
    (event,) = events(world)
    assert event["metadata"]["namespace"] == "default"
    assert "namespace" not in event["involvedObject"]


def test_an_event_about_a_namespace_that_is_gone_is_dropped(world, recorder):
    pod = world.create(POD)
    elsewhere = {**pod, "metadata": {**pod["metadata"], "namespace": "gone"}}
    recorder.normal(elsewhere, "Killing", "too late")
    assert events(world) == []


def test_events_are_forgotten_an_hour_after_they_last_happened(world, recorder):
    pod = world.create(POD)
    recorder.normal(pod, "Pulled", "image is there")
    world.advance(3000)
    recorder.normal(pod, "Pulled", "image is there")
    world.advance(3000)
    assert len(events(world)) == 1
    world.advance(601)
    assert events(world) == []
