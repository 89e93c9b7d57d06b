"""Runs one container of a pod: start it, attend it, restart it, until it ends for good."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from simulator.kubelet.container_record import ContainerRecord, Running, Terminated, Waiting
from simulator.kubelet.container_start import configure_until_complete, pull_until_present
from simulator.kubelet.lifecycle_hooks import run_hook
from simulator.kubelet.pod_access import PodAccess
from simulator.kubelet.pod_status import restart_wanted
from simulator.kubelet.prober import Prober
from simulator.kubelet.restart_backoff import RestartBackoff
from simulator.kubelet.runtime import Container, ContainerConfig, Exit, StartError
from simulator.kubernetes.status import Object

NEVER_RAN_CODE = 128  # as Kubernetes reports a container that its runtime could not start
LOST_CODE = 137  # and one that vanished


class ContainerRunner:
    """``restart_policy`` is the pod's; of an init container, Always means OnFailure."""

    def __init__(
        self,
        access: PodAccess,
        spec: Object,
        record: ContainerRecord,
        *,
        restart_policy: str,
        changed: Callable[[], None],
    ) -> None:
        self._access = access
        self._restart_policy = restart_policy
        self._changed = changed
        self._backoff = RestartBackoff()
        self.spec = spec
        self.name: str = spec["name"]
        self.record = record
        self.container: Container | None = None
        """The container of the latest start in this life of the kubelet."""

    async def run(self) -> Terminated:
        """Until the restart policy asks for no further start."""
        ended = await self._resume()
        while ended is None or restart_wanted(self._restart_policy, exit_code=ended.exit_code):
            if ended is not None:
                await self._back_off(ended)
            ended = await self._run_once()
        return ended

    async def stop(self, grace_seconds: float) -> None:
        """Ends the container as the deletion of its pod does, after its preStop hook."""
        container = self.container
        if container is None or not isinstance(self.record.state, Running):
            return
        self._access.normal("Killing", f"Stopping container {self.name}")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + grace_seconds
        await run_hook(self._access, self.spec, container, "preStop", limit=grace_seconds)
        self._ended(container, await container.stop(max(0.0, deadline - loop.time())))

    async def abandon(self, grace_seconds: float) -> None:
        """Ends the process and says nothing: its pod, or its kubelet, has gone."""
        if self.container is not None:
            await self.container.stop(grace_seconds)

    async def _resume(self) -> Terminated | None:
        """How the container of an earlier life of this kubelet ended; None without one."""
        state = self.record.state
        if not isinstance(state, Running):
            return state if isinstance(state, Terminated) else self.record.last
        runtime, pod = self._access.runtime, self._access.pod()
        container = runtime.recover(pod, self.name, self.record.container_id, state.started_at)
        if container is None:
            return self._lost(state)
        self.container = container
        return await self._attend(container)

    def _lost(self, state: Running) -> Terminated:
        lost = Terminated(
            exit_code=LOST_CODE,
            reason="ContainerStatusUnknown",
            message="The container ended while the kubelet of its node was away",
            started_at=state.started_at,
            finished_at=self._access.clock.now(),
            container_id=self.record.container_id,
        )
        self._set(state=lost, ready=False, started=False)
        return lost

    async def _run_once(self) -> Terminated:
        image_id = await pull_until_present(self._access, self.spec, self._wait_for)
        attempt = self.record.restarts + 1 if self.record.has_run else 0
        config = await configure_until_complete(self._access, self.spec, attempt, self._wait_for)
        self._access.normal("Created", f"Created container: {self.name}")
        try:
            container = await self._access.runtime.start(config)
        except StartError as error:
            return self._could_not_start(config, error)
        self.container = container
        self._set(
            state=Running(container.started_at),
            last=self._latest_end(),
            restarts=attempt,
            image_id=image_id,
            container_id=container.id,
        )
        self._access.normal("Started", f"Started container {self.name}")
        return await self._attend(container)

    async def _attend(self, container: Container) -> Terminated:
        """Probes the container while it runs."""
        async with asyncio.TaskGroup() as tasks:
            probing = tasks.create_task(self._probe(container))
            exit_ = await container.wait()
            probing.cancel()
        return self._ended(container, exit_)

    async def _probe(self, container: Container) -> None:
        await run_hook(self._access, self.spec, container, "postStart")
        prober = Prober(
            access=self._access,
            spec=self.spec,
            container=container,
            on_started=lambda: self._set(started=True),
            on_ready=lambda ready: self._set(ready=ready),
        )
        await prober.run()

    async def _back_off(self, ended: Terminated) -> None:
        self._backoff = self._backoff.after_run_of(_seconds(ended), self._access.timings)
        delay = self._backoff.delay(self._access.timings)
        if not delay:
            return
        pod = self._access.pod()["metadata"]
        owner = f"pod {pod['name']}_{pod['namespace']}({pod['uid']})"
        message = f"back-off {delay:g}s restarting failed container={self.name} {owner}"
        self._access.warning("BackOff", f"Back-off restarting failed container {self.name}")
        self._wait_for(Waiting("CrashLoopBackOff", message))
        await asyncio.sleep(delay)

    def _wait_for(self, waiting: Waiting) -> None:
        self._set(state=waiting, last=self._latest_end())

    def _latest_end(self) -> Terminated | None:
        state = self.record.state
        return state if isinstance(state, Terminated) else self.record.last

    def _ended(self, container: Container, exit_: Exit) -> Terminated:
        ended = Terminated(
            exit_code=exit_.code,
            reason=exit_.reason,
            message=exit_.message,
            started_at=container.started_at,
            finished_at=self._access.clock.now(),
            container_id=container.id,
        )
        self._set(state=ended, ready=False, started=False)
        return ended

    def _could_not_start(self, config: ContainerConfig, error: StartError) -> Terminated:
        self._access.warning("Failed", f"Error: {error}")
        now = self._access.clock.now()
        ended = Terminated(
            exit_code=NEVER_RAN_CODE,
            reason="StartError",
            message=str(error),
            started_at=now,
            finished_at=now,
        )
        self._set(state=ended, last=self._latest_end(), restarts=config.attempt)
        return ended

    def _set(self, **changes: Any) -> None:
        changed = replace(self.record, **changes)
        if changed != self.record:
            self.record = changed
            self._changed()


def _seconds(ended: Terminated) -> float:
    if ended.started_at is None or ended.finished_at is None:
        return 0.0
    return (ended.finished_at - ended.started_at).total_seconds()
