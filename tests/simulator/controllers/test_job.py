import pytest


def job(spec="", restart_policy="Never"):
    return f"""
apiVersion: batch/v1
kind: Job
metadata: {{name: tune, namespace: default}}
spec:
{spec}
  template:
    spec:
      restartPolicy: {restart_policy}
      containers: [{{name: main, image: example/tune}}]
"""


def status(world):
    return world.objects.get("Job", "tune", "default")["status"]


def conditions(world):
    return {
        item["type"]: item["reason"]
        for item in status(world).get("conditions", ())
        if item["status"] == "True"
    }


def unfinished(world):
    return [
        pod["metadata"]["name"]
        for pod in world.objects.list("Pod")
        if pod["status"].get("phase") not in ("Succeeded", "Failed")
    ]


def test_a_job_completes_with_its_pod(world):
    world.create(job())
    (name,) = world.names("Pod")
    assert status(world)["active"] == 1
    world.run_pod(name)
    assert status(world)["ready"] == 1
    world.finish_pod(name, "Succeeded")
    found = status(world)
    assert (found["succeeded"], found["active"]) == (1, 0)
    assert conditions(world) == {
        "SuccessCriteriaMet": "CompletionsReached",
        "Complete": "CompletionsReached",
    }
    assert found["completionTime"] >= found["startTime"]
    assert world.names("Pod") == [name]


def test_a_job_fails_after_its_backoff_limit(world):
    world.create(job("  backoffLimit: 2"))
    for failures in range(1, 4):
        (name,) = unfinished(world)
        world.finish_pod(name, "Failed")
        assert status(world)["failed"] == failures
        world.advance(30)
    assert unfinished(world) == []
    assert conditions(world) == {
        "FailureTarget": "BackoffLimitExceeded",
        "Failed": "BackoffLimitExceeded",
    }
    assert "completionTime" not in status(world)


def test_retries_wait_longer_each_time(new_world):
    world = new_world(job_backoff=10.0, job_backoff_limit=600.0)
    world.create(job())
    waits = []
    for _ in range(3):
        (name,) = unfinished(world)
        ended = world.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        terminated = {"state": {"terminated": {"exitCode": 1, "finishedAt": ended}}}
        world.set_status("Pod", name, containerStatuses=[{"name": "main", **terminated}])
        world.finish_pod(name, "Failed")
        seconds = 0
        while not unfinished(world):
            world.advance(1)
            seconds += 1
        waits.append(seconds)
    assert waits == pytest.approx([10, 20, 40], abs=1)


def test_parallelism_and_completions_bound_the_pods(world):
    world.create(job("  parallelism: 2\n  completions: 3"))
    assert len(unfinished(world)) == 2
    world.finish_pod(unfinished(world)[0], "Succeeded")
    assert len(unfinished(world)) == 2
    world.finish_pod(unfinished(world)[0], "Succeeded")
    assert len(unfinished(world)) == 1
    world.finish_pod(unfinished(world)[0], "Succeeded")
    assert status(world)["succeeded"] == 3
    assert "Complete" in conditions(world)


def test_finished_pods_count_once_though_they_are_deleted(world):
    world.create(job("  completions: 2"))
    (name,) = unfinished(world)
    world.finish_pod(name, "Succeeded")
    world.delete("Pod", name)
    assert name not in world.names("Pod")
    assert status(world)["succeeded"] == 1
    world.stop()
    world.start()
    world.advance()
    assert status(world)["succeeded"] == 1
    world.finish_pod(unfinished(world)[0], "Succeeded")
    assert status(world)["succeeded"] == 2
    assert "Complete" in conditions(world)


def test_a_pod_deleted_before_it_ended_counts_as_failed_and_is_replaced(world):
    world.create(job())
    (name,) = unfinished(world)
    world.delete("Pod", name)
    world.advance(5)
    assert status(world)["failed"] == 1
    assert name not in unfinished(world)
    assert len(unfinished(world)) == 1


def test_restarts_in_place_count_towards_the_limit(world):
    world.create(job("  backoffLimit: 3", restart_policy="OnFailure"))
    (name,) = unfinished(world)
    world.run_pod(name)
    world.set_status("Pod", name, containerStatuses=[{"name": "main", "restartCount": 2}])
    assert conditions(world) == {}
    world.set_status("Pod", name, containerStatuses=[{"name": "main", "restartCount": 3}])
    assert conditions(world)["Failed"] == "BackoffLimitExceeded"
    assert world.names("Pod") == []


def test_the_active_deadline_ends_a_job(world):
    world.create(job("  activeDeadlineSeconds: 60"))
    world.run_pod(unfinished(world)[0])
    world.advance(58)
    assert conditions(world) == {}
    world.advance(3)
    assert conditions(world)["Failed"] == "DeadlineExceeded"


def test_a_failed_job_is_over_only_when_its_last_pod_has_ended(world):
    world.add_node("one")
    world.create(job("  activeDeadlineSeconds: 10"))
    (name,) = unfinished(world)
    world.run_pod(name)
    world.advance(11)
    assert "deletionTimestamp" in world.objects.get("Pod", name, "default")["metadata"]
    assert conditions(world) == {"FailureTarget": "DeadlineExceeded"}
    world.remove_pod(name)
    assert conditions(world)["Failed"] == "DeadlineExceeded"


def test_a_suspended_job_has_no_pods_until_it_is_resumed(world):
    world.create(job("  suspend: true"))
    assert world.names("Pod") == []
    assert "Suspended" in conditions(world)
    world.change("Job", "tune", suspend=False)
    assert len(unfinished(world)) == 1
    assert "Suspended" not in conditions(world)
    world.change("Job", "tune", suspend=True)
    assert world.names("Pod") == []
    assert "startTime" not in status(world)


def test_a_finished_job_is_deleted_after_its_time_to_live(world):
    world.create(job("  ttlSecondsAfterFinished: 100"))
    world.finish_pod(unfinished(world)[0], "Succeeded")
    world.advance(98)
    assert world.names("Job") == ["tune"]
    world.advance(3)
    assert world.names("Job") == []
    assert world.names("Pod") == []


def test_deleting_a_job_leaves_no_pods_held_by_its_finalizer(world):
    world.create(job("  parallelism: 2\n  completions: 2"))
    world.finish_pod(unfinished(world)[0], "Failed")
    world.delete("Job", "tune")
    world.advance(1)
    assert world.names("Pod") == []
