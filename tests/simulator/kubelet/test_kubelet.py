"""Pods on real kubelets: local ones are real processes."""

import asyncio
import base64
import os
import signal
from pathlib import Path

import psutil
import pytest

from simulator.kubernetes.pod_streams import LogOptions
from tests.simulator.kubelet.small_cluster import (
    condition,
    container_status,
    eventually,
    python,
    running_cluster,
)

SLEEP = "import time; time.sleep(60)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up');time.sleep(60)"
)


def process_of(cluster, name: str) -> psutil.Process:
    runner = cluster.workers[cluster.get(name)["metadata"]["uid"]].runners[-1]
    return psutil.Process(runner.container.pid)


async def log_of(cluster, name: str, container: str = "main", **options) -> str:
    lines = cluster.streams.logs(cluster.get(name), container, LogOptions(**options))
    return b"".join([line async for line in lines]).decode()


async def until_up(cluster, name: str) -> None:
    """Until the process says so: by then it has set its signal handlers."""
    pod = await cluster.until_ready(name)
    async with asyncio.timeout(5):
        async for line in cluster.streams.logs(pod, "main", LogOptions(follow=True)):
            if line == b"up\n":
                return


async def test_node_becomes_ready_and_renews_a_lease(cluster):
    await cluster.until(lambda: condition(cluster.api.get("Node", "local"), "Ready") == "True")
    lease = cluster.api.get("Lease", "local", "kube-node-lease")
    assert lease["spec"]["holderIdentity"] == "local"


async def test_local_pod_runs_and_is_reported_as_kubernetes_does(cluster):
    cluster.pod("p", python(SLEEP))
    pod = await cluster.until_ready("p")
    status = pod["status"]
    assert status["phase"] == "Running"
    assert status["podIP"].startswith(f"127.65.{cluster.block}.")
    assert status["podIPs"] == [{"ip": status["podIP"]}]
    assert status["qosClass"] == "BestEffort"
    assert {one["type"]: one["status"] for one in status["conditions"]} == {
        "PodReadyToStartContainers": "True",
        "Initialized": "True",
        "Ready": "True",
        "ContainersReady": "True",
        "PodScheduled": "True",
    }
    container = container_status(pod)
    assert container["state"]["running"]["startedAt"]
    assert (container["ready"], container["started"], container["restartCount"]) == (True, True, 0)
    assert sorted(cluster.reasons("p")) == ["Created", "Pulled", "Pulling", "Started"]
    assert process_of(cluster, "p").is_running()


async def test_environment_and_volumes_reach_the_process(cluster):
    metadata = {"name": "settings", "namespace": "default"}
    secret = {"token": base64.b64encode(b"s3cret").decode()}
    cluster.api.create(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"mode": "fast"}}
    )
    cluster.api.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": secret})
    code = (
        "import os, sys; e = os.environ;"
        "print(e['POD_IP'], e['MODE'], e['TOKEN'], sys.argv[1], open(sys.argv[2]).read())"
    )
    container = python(
        code,
        "http://$(POD_IP):80/$(UNKNOWN)/$$(MODE)",
        "/config/mode",
        env=[
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "mode"}}},
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "settings", "key": "token"}}},
        ],
        volumeMounts=[{"name": "config", "mountPath": "/config"}],
    )
    volumes = [{"name": "config", "configMap": {"name": "settings"}}]
    cluster.pod("p", container, volumes=volumes, restartPolicy="Never")
    pod = await cluster.until_phase("p", "Succeeded", "Failed")
    ip = pod["status"]["podIP"]
    expected = f"{ip} fast s3cret http://{ip}:80/$(UNKNOWN)/$(MODE) fast\n"
    assert await log_of(cluster, "p") == expected


async def test_claimed_volume_outlives_its_pods(cluster):
    mounts = [{"name": "disk", "mountPath": "/disk"}]
    volumes = [{"name": "disk", "persistentVolumeClaim": {"claimName": "disk"}}]
    code = "import sys; open(sys.argv[1], 'a').write('x')"
    read = "import sys; print(open(sys.argv[1]).read())"

    async def run(name: str, code: str) -> str:
        container = python(code, "/disk/file", volumeMounts=mounts)
        cluster.pod(name, container, volumes=volumes, restartPolicy="Never")
        await cluster.until_phase(name, "Succeeded", "Failed")
        return await log_of(cluster, name)

    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "disk", "namespace": "default"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    cluster.api.create(claim)
    await run("first", code)
    await run("second", code)
    assert await run("third", read) == "xx\n"


async def test_init_containers_run_in_order_and_hand_over_by_a_volume(cluster):
    write = "import sys; open(sys.argv[1], 'a').write(sys.argv[2])"
    mount = [{"name": "shared", "mountPath": "/shared"}]
    inits = [
        python(write, "/shared/file", text, name=f"init-{text}", volumeMounts=mount)
        for text in ("a", "b")
    ]
    read = python("import sys; print(open(sys.argv[1]).read())", "/shared/file", volumeMounts=mount)
    volumes = [{"name": "shared", "emptyDir": {}}]
    cluster.pod("p", read, initContainers=inits, volumes=volumes, restartPolicy="Never")
    pod = await cluster.until_phase("p", "Succeeded", "Failed")
    assert await log_of(cluster, "p") == "ab\n"
    inits = pod["status"]["initContainerStatuses"]
    assert [one["state"]["terminated"]["reason"] for one in inits] == ["Completed", "Completed"]


async def test_pod_that_never_restarts_fails_with_the_code_of_its_container(cluster):
    cluster.pod("p", python("raise SystemExit('broken')"), restartPolicy="Never")
    pod = await cluster.until_phase("p", "Failed", "Succeeded")
    ended = container_status(pod)["state"]["terminated"]
    assert (pod["status"]["phase"], ended["exitCode"], ended["reason"]) == ("Failed", 1, "Error")
    assert ended["message"] == "broken"


async def test_last_words_are_whole_lines(cluster):
    code = "for number in range(1000): print('line', number)\nraise SystemExit(1)"
    cluster.pod("p", python(code), restartPolicy="Never")
    pod = await cluster.until_phase("p", "Failed", "Succeeded")
    lines = container_status(pod)["state"]["terminated"]["message"].splitlines()
    assert lines == [f"line {number}" for number in range(1000 - len(lines), 1000)]
    assert len(lines) > 50


async def test_crashing_container_backs_off_and_keeps_its_last_state(cluster):
    cluster.pod("p", python("raise SystemExit(3)"))
    await cluster.until(lambda: container_status(cluster.get("p")).get("restartCount", 0) >= 2)
    pod = await cluster.until_waiting("p", "CrashLoopBackOff")
    status = container_status(pod)
    assert status["lastState"]["terminated"]["exitCode"] == 3
    assert pod["status"]["phase"] == "Running"
    assert "BackOff" in cluster.reasons("p")


async def test_killed_process_is_restarted_and_reports_the_signal(cluster):
    cluster.pod("p", python(SLEEP))
    await cluster.until_ready("p")
    os.kill(process_of(cluster, "p").pid, signal.SIGKILL)
    await cluster.until(lambda: container_status(cluster.get("p"))["restartCount"] == 1)
    pod = await cluster.until_ready("p")
    assert container_status(pod)["lastState"]["terminated"]["exitCode"] == 128 + signal.SIGKILL


async def test_readiness_probe_decides_when_the_pod_is_ready(cluster):
    serve = "import http.server as s, sys; s.test(s.SimpleHTTPRequestHandler, bind=sys.argv[1])"
    container = python(
        serve,
        "$(POD_IP)",
        env=[{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        ports=[{"name": "http", "containerPort": 8000}],
        readinessProbe={"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1},
    )
    cluster.pod("p", container)
    pod = await cluster.until_phase("p", "Running")
    assert condition(pod, "Ready") == "False"
    await cluster.until_ready("p")
    assert "Unhealthy" in cluster.reasons("p")


async def test_failed_liveness_probe_restarts_the_container(cluster):
    probe = {
        "exec": {"command": ["false"]},
        "periodSeconds": 1,
        "failureThreshold": 1,
    }
    cluster.pod("p", python(SLEEP, livenessProbe=probe))
    await cluster.until(lambda: container_status(cluster.get("p")).get("restartCount", 0) >= 1)
    assert {"Unhealthy", "Killing"} <= set(cluster.reasons("p"))


async def test_deletion_terminates_the_process_within_its_grace(cluster):
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('bye'), sys.exit(0)))\n"
        "print('up')\ntime.sleep(60)"
    )
    cluster.pod("p", python(code))
    pod = await cluster.until_ready("p")
    process = process_of(cluster, "p")
    await until_up(cluster, "p")
    cluster.api.delete("Pod", "p", "default")
    await cluster.until_gone("p")
    assert not process.is_running()
    files = cluster.directory / "pods" / pod["metadata"]["uid"]
    await eventually(lambda: not files.exists())
    assert not list((cluster.directory / "processes").iterdir())


async def test_process_that_ignores_sigterm_is_killed_after_its_grace(cluster):
    cluster.pod("p", python(STUBBORN), terminationGracePeriodSeconds=1)
    await until_up(cluster, "p")
    process = process_of(cluster, "p")
    cluster.api.delete("Pod", "p", "default")
    await cluster.until_gone("p")
    assert not process.is_running()


async def test_forced_deletion_does_not_leave_the_process(cluster):
    cluster.pod("p", python(STUBBORN))
    await until_up(cluster, "p")
    process = process_of(cluster, "p")
    cluster.api.delete("Pod", "p", "default", grace_period_seconds=0)
    assert cluster.api.find("Pod", "p", "default") is None
    await asyncio.to_thread(process.wait, timeout=5)


async def test_forced_deletion_cuts_a_long_grace_short(cluster):
    cluster.pod("p", python(STUBBORN))
    await until_up(cluster, "p")
    process = process_of(cluster, "p")
    cluster.api.delete("Pod", "p", "default")
    await cluster.until(lambda: "Killing" in cluster.reasons("p"))
    cluster.api.delete("Pod", "p", "default", grace_period_seconds=0)
    await asyncio.to_thread(process.wait, timeout=3)


async def test_deletion_of_the_node_ends_its_processes(cluster):
    cluster.pod("p", python(SLEEP))
    await cluster.until_ready("p")
    process = process_of(cluster, "p")
    cluster.api.delete("Node", "local")
    await asyncio.to_thread(process.wait, timeout=5)


async def test_a_pod_with_an_unknown_image_is_simulated_and_says_so(cluster):
    cluster.pod("p", python(SLEEP), {"name": "other", "image": "nginx"})
    pod = await cluster.until_ready("p")
    reason = pod["metadata"]["annotations"]["moorage.sh/simulated"]
    assert reason == "image nginx is none of those that this machine runs for real"


@pytest.mark.parametrize("node", ["local", "simulated"])
async def test_malformed_image_is_named_on_every_node(cluster, node):
    cluster.pod("p", {"name": "main", "image": "ACR_REPO_HERE/Model:1"}, node=node)
    pod = await cluster.until_waiting("p", "InvalidImageName")
    assert "must be lowercase" in container_status(pod)["state"]["waiting"]["message"]


async def test_missing_secret_is_named_until_it_appears(cluster):
    reference = {"secretKeyRef": {"name": "late", "key": "k"}}
    cluster.pod("p", python(SLEEP, env=[{"name": "K", "valueFrom": reference}]))
    pod = await cluster.until_waiting("p", "CreateContainerConfigError")
    assert container_status(pod)["state"]["waiting"]["message"] == 'secret "late" not found'
    metadata = {"name": "late", "namespace": "default"}
    cluster.api.create(
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"k": "eA=="}}
    )
    await cluster.until_ready("p")


async def test_missing_volume_source_is_told_in_an_event(cluster):
    volumes = [{"name": "v", "configMap": {"name": "nowhere"}}]
    cluster.pod("p", python(SLEEP), volumes=volumes)
    await cluster.until(lambda: "FailedMount" in cluster.reasons("p"))
    assert cluster.get("p")["status"]["phase"] == "Pending"


async def test_missing_pull_secret_is_told_and_does_not_stop_the_pull(cluster):
    secrets = [{"name": "ACR_REGISTRY_SECRET_HERE"}]
    cluster.pod("p", {"name": "main", "image": "phi"}, node="simulated", imagePullSecrets=secrets)
    await cluster.until_ready("p")
    assert "FailedToRetrieveImagePullSecret" in cluster.reasons("p")


async def test_pod_that_cannot_be_worked_on_says_so_and_spares_the_others(cluster):
    bad = python(SLEEP, livenessProbe={"tcpSocket": {"port": "no-such-port"}})
    cluster.pod("bad", bad)
    cluster.pod("good", python(SLEEP))
    await cluster.until_ready("good")
    await cluster.until(lambda: "FailedSync" in cluster.reasons("bad"))
    cluster.api.delete("Pod", "bad", "default", grace_period_seconds=0)
    await cluster.until_gone("bad")


async def test_simulated_pod_becomes_ready_and_says_what_it_is(cluster):
    probe = {"httpGet": {"port": 80}, "periodSeconds": 1}
    cluster.pod("p", {"name": "main", "image": "phi", "readinessProbe": probe}, node="simulated")
    pod = await cluster.until_ready("p")
    reason = pod["metadata"]["annotations"]["moorage.sh/simulated"]
    assert reason == "node simulated stands for a machine that exists in the simulator only"
    assert await log_of(cluster, "p") == (
        f"container main of pod p is a simulated workload: {reason}\n"
    )


async def test_simulated_job_pod_completes(cluster):
    cluster.pod("p", {"name": "main", "image": "tune"}, node="simulated", restartPolicy="Never")
    await cluster.until_phase("p", "Succeeded")


async def test_active_deadline_fails_the_pod(cluster):
    cluster.pod("p", python(SLEEP), activeDeadlineSeconds=1)
    pod = await cluster.until_phase("p", "Failed")
    assert pod["status"]["reason"] == "DeadlineExceeded"
    await cluster.until(lambda: "terminated" in container_status(cluster.get("p"))["state"])


async def test_restarted_cluster_starts_local_pods_again_and_keeps_simulated_ones(
    tmp_path: Path, address_block
):
    async with running_cluster(tmp_path, address_block.number) as cluster:
        cluster.node("local")
        cluster.node("simulated")
        cluster.pod("real", python(SLEEP))
        cluster.pod("done", python("pass"), restartPolicy="OnFailure")
        cluster.pod("shown", {"name": "main", "image": "phi"}, node="simulated")
        before = {name: await cluster.until_ready(name) for name in ("real", "shown")}
        await cluster.until_phase("done", "Succeeded")
        first = process_of(cluster, "real")
    assert not first.is_running()

    async with running_cluster(tmp_path, address_block.number) as cluster:
        await cluster.until(lambda: condition(cluster.get("real"), "Ready") == "False")
        assert container_status(cluster.get("real"))["restartCount"] == 0
        await cluster.until(lambda: container_status(cluster.get("real"))["restartCount"] == 1)
        real = await cluster.until_ready("real")
        assert real["status"]["podIP"] == before["real"]["status"]["podIP"]
        assert process_of(cluster, "real").is_running()
        assert cluster.get("done")["status"]["phase"] == "Succeeded"
        shown = await cluster.until_ready("shown")
        assert container_status(shown) == container_status(before["shown"])


async def test_deletion_begun_before_a_restart_is_completed_after_it(tmp_path, address_block):
    async with running_cluster(tmp_path, address_block.number) as cluster:
        cluster.node("local")
        cluster.pod("p", python(STUBBORN))
        await until_up(cluster, "p")
        cluster.api.delete("Pod", "p", "default", grace_period_seconds=30)
        uid = cluster.get("p")["metadata"]["uid"]
        cluster.workers[uid].pod_gone()  # ends the process as a kill of the cluster does
        assert cluster.get("p")["metadata"]["deletionTimestamp"]
    async with running_cluster(tmp_path, address_block.number) as cluster:
        await cluster.until_gone("p")
