"""Probes a running container: started, then ready or not, and restarted when it no longer lives."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from simulator.kubelet.pod_access import PodAccess
from simulator.kubelet.probes import Probe, Tally, Verdict, probe_of
from simulator.kubelet.runtime import Container
from simulator.kubernetes.status import Object

DEFAULT_GRACE_SECONDS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Prober:
    """``on_started`` and ``on_ready`` are told of each change, and may be told twice."""

    access: PodAccess
    spec: Object
    container: Container
    on_started: Callable[[], None]
    on_ready: Callable[[bool], None]

    async def run(self) -> None:
        startup = probe_of(self.spec, "startupProbe")
        if startup is not None and not await self._started(startup):
            return
        self.on_started()
        readiness = probe_of(self.spec, "readinessProbe")
        liveness = probe_of(self.spec, "livenessProbe")
        async with asyncio.TaskGroup() as tasks:
            if readiness is None:
                self.on_ready(True)  # noqa: FBT003 - a state, told by the name of the callback
            else:
                tasks.create_task(self._watch_readiness(readiness))
            if liveness is not None:
                tasks.create_task(self._watch_liveness(liveness))

    async def _started(self, probe: Probe) -> bool:
        async for verdict in self._verdicts(probe, "Startup"):
            if verdict is Verdict.SUCCESS:
                return True
            if verdict is Verdict.FAILURE:
                break
        await self._restart("startup")
        return False

    async def _watch_readiness(self, probe: Probe) -> None:
        async for verdict in self._verdicts(probe, "Readiness"):
            if verdict is not Verdict.UNDECIDED:
                self.on_ready(verdict is Verdict.SUCCESS)

    async def _watch_liveness(self, probe: Probe) -> None:
        async for verdict in self._verdicts(probe, "Liveness"):
            if verdict is Verdict.FAILURE:
                await self._restart("liveness")
                return

    async def _verdicts(self, probe: Probe, title: str) -> AsyncIterator[Verdict]:
        """One verdict after each probing, for as long as somebody asks."""
        tally = Tally()
        await asyncio.sleep(probe.initial_delay)
        while True:
            outcome = await self.container.probe(probe.handler, probe.timeout)
            if not outcome.succeeded:
                self.access.warning("Unhealthy", f"{title} probe failed: {outcome.message}")
            tally = tally.after(succeeded=outcome.succeeded)
            yield tally.verdict(probe)
            await asyncio.sleep(probe.period)

    async def _restart(self, title: str) -> None:
        name = self.spec["name"]
        self.access.normal("Killing", f"Container {name} failed {title} probe, will be restarted")
        grace = self.access.pod()["spec"].get("terminationGracePeriodSeconds")
        await self.container.stop(DEFAULT_GRACE_SECONDS if grace is None else grace)
