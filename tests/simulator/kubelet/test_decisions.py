"""The kubelet's pure decisions: back-off, probes, quality of service, phases, addresses."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from simulator.kubelet.container_record import (
    CREATING,
    ContainerRecord,
    Running,
    Terminated,
    Waiting,
    as_status,
    from_status,
)
from simulator.kubelet.pod_addresses import HOSTS, PodAddresses
from simulator.kubelet.pod_status import Phase, PodFacts, pod_phase, pod_status
from simulator.kubelet.probes import Tally, Verdict, probe_of
from simulator.kubelet.resources import qos_class
from simulator.kubelet.restart_backoff import RestartBackoff
from simulator.timings import Timings

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RUNNING = Running(NOW)
OK = Terminated(exit_code=0, reason="Completed", started_at=NOW, finished_at=NOW, container_id="i")
BAD = replace(OK, exit_code=1, reason="Error", message="why")


def record(state, **fields) -> ContainerRecord:
    return ContainerRecord(state=state, **fields)


def test_backoff_is_that_of_kubernetes():
    timings = Timings(restart_backoff=10, restart_backoff_limit=300, restart_backoff_reset=600)
    backoff, delays = RestartBackoff(), []
    for _ in range(8):
        backoff = backoff.after_run_of(1, timings)
        delays.append(backoff.delay(timings))
    assert delays == [0, 10, 20, 40, 80, 160, 300, 300]
    assert backoff.after_run_of(600, timings).delay(timings) == 0


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ([False], Verdict.UNDECIDED),
        ([False, False, False], Verdict.FAILURE),
        ([False, False, True, False], Verdict.UNDECIDED),
        ([True], Verdict.UNDECIDED),
        ([True, True], Verdict.SUCCESS),
    ],
)
def test_thresholds_count_consecutive_outcomes(outcomes, verdict):
    spec = {"tcpSocket": {"port": 80}, "failureThreshold": 3, "successThreshold": 2}
    probe, tally = probe_of({"readinessProbe": spec}, "readinessProbe"), Tally()
    for succeeded in outcomes:
        tally = tally.after(succeeded=succeeded)
    assert tally.verdict(probe) is verdict


def test_probe_defaults_and_named_ports():
    container = {
        "ports": [{"name": "http", "containerPort": 5000}],
        "livenessProbe": {"httpGet": {"path": "/", "port": "http"}},
    }
    probe = probe_of(container, "livenessProbe")
    assert (probe.initial_delay, probe.period, probe.timeout) == (0, 10, 1)
    assert (probe.failure_threshold, probe.success_threshold) == (3, 1)
    assert probe.handler == {"httpGet": {"path": "/", "port": 5000}}
    assert probe_of(container, "startupProbe") is None


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ([{}], "BestEffort"),
        ([{"limits": {"nvidia.com/gpu": "1"}}], "BestEffort"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}}], "Guaranteed"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}], "Burstable"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}}, {}], "Burstable"),
        ([{"requests": {"cpu": "1"}}], "Burstable"),
    ],
)
def test_quality_of_service(resources, expected):
    assert qos_class({"containers": [{"resources": one} for one in resources]}) == expected


@pytest.mark.parametrize(
    ("policy", "states", "phase"),
    [
        ("Always", [CREATING, RUNNING], Phase.PENDING),
        ("Always", [RUNNING, RUNNING], Phase.RUNNING),
        ("Always", [OK, OK], Phase.RUNNING),
        ("OnFailure", [OK, BAD], Phase.RUNNING),
        ("OnFailure", [OK, OK], Phase.SUCCEEDED),
        ("Never", [OK, RUNNING], Phase.RUNNING),
        ("Never", [OK, BAD], Phase.FAILED),
        ("Never", [OK, OK], Phase.SUCCEEDED),
    ],
)
def test_phase_follows_from_containers_and_restart_policy(policy, states, phase):
    names = [str(number) for number in range(len(states))]
    spec = {"restartPolicy": policy, "containers": [{"name": name} for name in names]}
    records = {name: record(state) for name, state in zip(names, states, strict=True)}
    assert pod_phase(spec, records) is phase


def test_container_in_back_off_leaves_its_pod_running():
    spec = {"containers": [{"name": "c"}]}
    waiting = record(Waiting("CrashLoopBackOff"), last=BAD, restarts=3)
    assert pod_phase(spec, {"c": waiting}) is Phase.RUNNING


@pytest.mark.parametrize(
    ("policy", "init", "phase"),
    [
        ("Always", RUNNING, Phase.PENDING),
        ("Always", BAD, Phase.PENDING),
        ("Never", BAD, Phase.FAILED),
        ("Never", OK, Phase.PENDING),
    ],
)
def test_init_containers_hold_the_pod_pending_or_fail_it(policy, init, phase):
    spec = {
        "restartPolicy": policy,
        "initContainers": [{"name": "i"}],
        "containers": [{"name": "c"}],
    }
    assert pod_phase(spec, {"i": record(init), "c": record(CREATING)}) is phase


@pytest.mark.parametrize(
    "known",
    [
        record(CREATING),
        record(Waiting("CrashLoopBackOff", "m"), last=BAD, restarts=2),
        record(RUNNING, ready=True, started=True, image_id="x", container_id="i"),
        record(OK, last=BAD, restarts=1, container_id="i"),
    ],
)
def test_record_survives_in_the_pod_status(known):
    assert from_status(as_status(known, {"name": "c", "image": "i"})) == known


def test_readiness_gates_hold_a_pod_back():
    spec = {"containers": [{"name": "c", "image": "i"}], "readinessGates": [{"conditionType": "G"}]}
    pod = {"metadata": {}, "spec": spec}
    facts = PodFacts(
        host_ip="127.0.0.1",
        pod_ip="127.65.0.1",
        sandboxed=True,
        records={"c": record(RUNNING, ready=True, started=True)},
    )

    def ready(conditions):
        status = pod_status({**pod, "status": {"conditions": conditions}}, facts, NOW)
        return {one["type"]: one for one in status["conditions"]}["Ready"]

    assert ready([])["reason"] == "ReadinessGatesNotReady"
    assert ready([{"type": "G", "status": "True"}])["status"] == "True"


def test_transition_times_change_only_with_the_condition():
    spec = {"containers": [{"name": "c", "image": "i"}]}
    facts = PodFacts(
        host_ip="h", pod_ip="p", sandboxed=True, records={"c": record(RUNNING, started=True)}
    )
    first = pod_status({"metadata": {}, "spec": spec}, facts, NOW)
    later = NOW.replace(hour=9)
    ready = replace(facts, records={"c": record(RUNNING, started=True, ready=True)})
    second = pod_status({"metadata": {}, "spec": spec, "status": first}, ready, later)
    since = {one["type"]: one["lastTransitionTime"] for one in second["conditions"]}
    assert since["Ready"] == "2026-01-02T09:04:05Z"
    assert since["PodScheduled"] == "2026-01-02T03:04:05Z"
    assert all("reason" not in one for one in second["conditions"])


def pod(uid, ip="", **spec):
    return {"metadata": {"uid": uid}, "spec": spec, "status": {"podIP": ip}}


def test_addresses_are_kept_and_not_reused_at_once():
    addresses = PodAddresses(7)
    first = addresses.assign(pod("a"), "127.0.0.1")
    assert first == "127.65.7.1"
    assert addresses.assign(pod("a"), "127.0.0.1") == first
    addresses.release("a")
    assert addresses.assign(pod("b"), "127.0.0.1") == "127.65.7.2"
    assert addresses.assign(pod("c", "127.65.7.9"), "127.0.0.1") == "127.65.7.9"
    assert addresses.assign(pod("d", "127.65.8.9"), "127.0.0.1") == "127.65.7.3"
    assert addresses.assign(pod("e", hostNetwork=True), "127.0.0.1") == "127.0.0.1"


def test_a_full_network_is_followed_by_the_next():
    addresses = PodAddresses(7)
    given = [addresses.assign(pod(str(n)), "") for n in range(len(HOSTS) + 1)]
    assert len(set(given)) == len(given)
    assert given[-1] == "127.66.7.1"
