"""When a row of probe outcomes changes a container, on the real prober."""

import asyncio
from datetime import UTC, datetime

import pytest

from simulator.clock import SystemClock
from simulator.controllers.events import EventRecorder
from simulator.kubelet.pod_access import PodAccess
from simulator.kubelet.prober import Prober
from simulator.kubelet.runtime import Exit, ProbeOutcome
from simulator.kubelet.simulated_runtime import SimulatedRuntime
from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.services import ServiceNetwork
from simulator.timings import Timings

SPEC = {"httpGet": {"port": 80}, "periodSeconds": 0.001, "failureThreshold": 3}


class ScriptedContainer:
    """Stands for a program that answers its probes with ``outcomes``, and then no more."""

    id = "scripted"
    started_at = datetime(2026, 1, 1, tzinfo=UTC)

    def __init__(self, outcomes: str) -> None:
        self._outcomes = iter(outcomes)
        self.answered = asyncio.Event()
        self.stopped = asyncio.Event()

    async def probe(self, handler, timeout_seconds):
        outcome = next(self._outcomes, None)
        if outcome is None:
            self.answered.set()
            await asyncio.Event().wait()
        return ProbeOutcome(outcome == "+")

    async def stop(self, grace_seconds):
        self.stopped.set()
        return Exit(code=143)


async def observe(container: ScriptedContainer, **probes) -> list[str]:
    """What the prober told, until the container has answered or was stopped."""
    clock = SystemClock()
    api = ApiServer(
        clock=clock,
        new_uid=lambda: "uid",
        database=None,
        service_addresses=ServiceNetwork("127.64.0.0/24"),
    )
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "default", "uid": "u"},
        "spec": {"terminationGracePeriodSeconds": 0},
    }
    told: list[str] = []
    timings = Timings()
    access = PodAccess(
        pod=lambda: pod,
        configure=lambda container, attempt: None,
        runtime=SimulatedRuntime(clock, timings, "test"),
        events=EventRecorder(objects=api, clock=clock, component="kubelet"),
        clock=clock,
        timings=timings,
    )
    prober = Prober(
        access=access,
        spec={"name": "c", **probes},
        container=container,
        on_started=lambda: told.append("started"),
        on_ready=lambda ready: told.append("ready" if ready else "unready"),
    )
    running = asyncio.create_task(prober.run())
    waits = [asyncio.create_task(one.wait()) for one in (container.answered, container.stopped)]
    await asyncio.wait([running, *waits], timeout=5, return_when=asyncio.FIRST_COMPLETED)
    for task in (running, *waits):
        task.cancel()
    await asyncio.gather(running, *waits, return_exceptions=True)
    api.close()
    return told


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ("--", []),
        ("--+", ["ready"]),
        ("+--", ["ready"]),
        ("+---", ["ready", "unready"]),
        ("+--+--", ["ready", "ready"]),
        ("+---+", ["ready", "unready", "ready"]),
    ],
)
async def test_readiness_follows_the_thresholds(outcomes, told):
    container = ScriptedContainer(outcomes)
    assert await observe(container, readinessProbe=SPEC) == ["started", *told]
    assert not container.stopped.is_set()


async def test_container_without_probes_is_ready_at_once():
    assert await observe(ScriptedContainer("")) == ["started", "ready"]


@pytest.mark.parametrize(("outcomes", "stops"), [("+--+--", False), ("+---", True)])
async def test_liveness_stops_the_container_at_its_threshold(outcomes, stops):
    container = ScriptedContainer(outcomes)
    assert await observe(container, livenessProbe=SPEC) == ["started", "ready"]
    assert container.stopped.is_set() is stops


async def test_startup_holds_back_the_other_probes():
    container = ScriptedContainer("--")
    assert await observe(container, startupProbe=SPEC, readinessProbe=SPEC) == []
    container = ScriptedContainer("---")
    assert await observe(container, startupProbe=SPEC, readinessProbe=SPEC) == []
    assert container.stopped.is_set()
