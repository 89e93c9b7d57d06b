"""Carries one pod through its life: volumes and address, init containers, containers, deletion."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from simulator.clock import Clock
from simulator.controllers.events import EventRecorder
from simulator.kubelet.container_record import (
    CREATING,
    INITIALIZING,
    ContainerRecord,
    Waiting,
    from_status,
)
from simulator.kubelet.container_runner import ContainerRunner
from simulator.kubelet.environment import expand_all, resolve_environment
from simulator.kubelet.pod_access import PodAccess
from simulator.kubelet.pod_addresses import PodAddresses
from simulator.kubelet.pod_status import TERMINAL, PodFacts, pod_status, restart_policy
from simulator.kubelet.restart_backoff import RestartBackoff
from simulator.kubelet.runtime import ContainerConfig, ContainerRuntime, StartError
from simulator.kubelet.volumes import Volume, VolumeError, mounts_of, resolve_volumes
from simulator.kubernetes.objects import Objects
from simulator.kubernetes.status import Object
from simulator.timings import Timings

SIMULATED_ANNOTATION = "moorage.sh/simulated"
DEFAULT_GRACE_SECONDS = 30
SHUTDOWN_GRACE_SECONDS = 5.0  # of the whole simulated cluster, or of a node that was deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """The node a kubelet serves, and what it works with; ``runtime_for`` chooses for each pod."""

    name: str
    address: str
    objects: Objects
    clock: Clock
    timings: Timings
    events: EventRecorder
    runtime: ContainerRuntime
    runtime_for: Callable[[Object], ContainerRuntime]
    addresses: PodAddresses

    def present(self, pod: Object) -> Object | None:
        """``pod`` as it is now; None where it is gone, and another may bear its name."""
        metadata = pod["metadata"]
        found = self.objects.find("Pod", metadata["name"], metadata["namespace"])
        same = found is not None and found["metadata"]["uid"] == metadata["uid"]
        return found if same else None


class PodWorker:
    """Writes the pod's status at once, so that nobody trusts one from before a restart."""

    def __init__(self, node: Node, pod: Object) -> None:
        self._node = node
        self._pod = pod
        self.runtime = node.runtime_for(pod)
        self._volumes: list[Volume] = []
        self._sandboxed = False
        self._failure: Waiting | None = None
        self._deleted = asyncio.Event()
        self._gone = asyncio.Event()
        self._address = node.addresses.assign(pod, node.address)
        self._inits, self._containers = self._runners(pod)
        self._annotate()
        self._publish()

    @property
    def runners(self) -> tuple[ContainerRunner, ...]:
        return (*self._inits, *self._containers)

    def deletion_requested(self) -> None:
        self._deleted.set()

    def pod_gone(self) -> None:
        self._gone.set()
        self._deleted.set()

    async def run(self) -> None:
        """Until the pod object has gone. Cancelled, it ends the processes and writes nothing."""
        try:
            async with asyncio.TaskGroup() as tasks:
                living = tasks.create_task(self._live())
                await self._deleted.wait()
                living.cancel()
            await self._terminate()
            await self._gone.wait()
        finally:
            await self._abandon()
            self._node.addresses.release(self._pod["metadata"]["uid"])

    async def _live(self) -> None:
        if self._pod.get("status", {}).get("phase") in TERMINAL:
            return
        try:
            async with asyncio.timeout(self._seconds_allowed()):
                await self._run_containers()
        except TimeoutError:
            await self._fail_after_deadline()

    async def _run_containers(self) -> None:
        await self._prepare()
        for runner in self._inits:
            ended = await runner.run()
            if not ended.succeeded:
                return
        async with asyncio.TaskGroup() as tasks:
            for runner in self._containers:
                tasks.create_task(runner.run())

    def _seconds_allowed(self) -> float | None:
        allowed = self._pod["spec"].get("activeDeadlineSeconds")
        if allowed is None:
            return None
        since = datetime.fromisoformat(self._pod["status"]["startTime"])
        return float(allowed) - (self._node.clock.now() - since).total_seconds()

    async def _fail_after_deadline(self) -> None:
        message = "Pod was active on the node longer than the specified deadline"
        self._failure = Waiting("DeadlineExceeded", message)
        self._node.events.warning(self._pod, "DeadlineExceeded", message)
        self._publish()
        grace = self._grace_seconds()
        await asyncio.gather(*(runner.stop(grace) for runner in self.runners))

    async def _prepare(self) -> None:
        """Sets up volumes and address, however long what they refer to is missing."""
        self._warn_of_pull_secrets()
        backoff = RestartBackoff(failures=1)
        while True:
            try:
                self._volumes = resolve_volumes(self._pod, self._find)
                await self.runtime.prepare_volumes(self._pod, self._volumes)
                break
            except (VolumeError, StartError) as error:
                self._node.events.warning(self._pod, "FailedMount", str(error))
            backoff = backoff.after_run_of(0, self._node.timings)
            await asyncio.sleep(backoff.delay(self._node.timings))
        self._sandboxed = True
        self._publish()

    def _warn_of_pull_secrets(self) -> None:
        """Kubernetes tries the pull without them."""
        named = [one["name"] for one in self._pod["spec"].get("imagePullSecrets") or ()]
        missing = [name for name in named if self._find("Secret", name) is None]
        if missing:
            self._node.events.warning(
                self._pod,
                "FailedToRetrieveImagePullSecret",
                f"Unable to retrieve some image pull secrets ({', '.join(missing)}); "
                f"attempting to pull the image may not succeed.",
            )

    async def _terminate(self) -> None:
        """Stops the containers in their grace period, then lets the pod object go."""
        async with asyncio.TaskGroup() as tasks:
            hurrying = tasks.create_task(self._hurry_when_gone())
            stops = [tasks.create_task(one.stop(self._grace_seconds())) for one in self.runners]
            await asyncio.gather(*stops)
            hurrying.cancel()
        if not self._gone.is_set():
            metadata = self._pod["metadata"]
            self._node.objects.delete(
                "Pod",
                metadata["name"],
                metadata["namespace"],
                uid=metadata["uid"],
                grace_period_seconds=0,
            )

    async def _hurry_when_gone(self) -> None:
        """A forced deletion removes the pod object first: nothing is left to wait for."""
        await self._gone.wait()
        await self._end(0)

    async def _abandon(self) -> None:
        await self._end(0 if self._gone.is_set() else SHUTDOWN_GRACE_SECONDS)

    async def _end(self, grace_seconds: float) -> None:
        await asyncio.gather(*(runner.abandon(grace_seconds) for runner in self.runners))

    def _grace_seconds(self) -> float:
        pod = self._node.present(self._pod)
        if pod is None:
            return 0.0
        grace = pod["metadata"].get("deletionGracePeriodSeconds")
        if grace is None:
            grace = pod["spec"].get("terminationGracePeriodSeconds")
        return float(DEFAULT_GRACE_SECONDS if grace is None else grace)

    def _runners(self, pod: Object) -> tuple[list[ContainerRunner], list[ContainerRunner]]:
        spec, status = pod["spec"], pod.get("status", {})
        known = {
            one["name"]: from_status(one)
            for key in ("initContainerStatuses", "containerStatuses")
            for one in status.get(key) or ()
        }
        inits = spec.get("initContainers") or ()
        waiting = INITIALIZING if inits else CREATING
        policy = restart_policy(spec)
        init_policy = "OnFailure" if policy == "Always" else policy
        return (
            [self._runner(one, known.get(one["name"]), CREATING, init_policy) for one in inits],
            [
                self._runner(one, known.get(one["name"]), waiting, policy)
                for one in spec["containers"]
            ],
        )

    def _runner(
        self, spec: Object, known: ContainerRecord | None, waiting: Waiting, policy: str
    ) -> ContainerRunner:
        access = PodAccess(
            pod=lambda: self._pod,
            configure=self._configure,
            runtime=self.runtime,
            events=self._node.events,
            clock=self._node.clock,
            timings=self._node.timings,
        )
        record = known or ContainerRecord(state=waiting)
        if self.runtime.simulated_because is None:
            record = replace(record, ready=False, started=False)
        return ContainerRunner(access, spec, record, restart_policy=policy, changed=self._publish)

    def _configure(self, container: Object, attempt: int) -> ContainerConfig:
        variables = resolve_environment(self._pod, container, self._find)
        return ContainerConfig(
            pod=self._pod,
            name=container["name"],
            image=container["image"],
            attempt=attempt,
            command=expand_all(container.get("command"), variables),
            arguments=expand_all(container.get("args"), variables),
            environment=variables,
            working_directory=container.get("workingDir"),
            mounts=mounts_of(container, self._volumes),
            stdin=bool(container.get("stdin")),
            stdin_once=bool(container.get("stdinOnce")),
            tty=bool(container.get("tty")),
        )

    def _find(self, kind: str, name: str) -> Object | None:
        return self._node.objects.find(kind, name, self._pod["metadata"]["namespace"])

    def _annotate(self) -> None:
        """Marks the pod for people where nothing of it really runs."""
        reason, pod = self.runtime.simulated_because, self._node.present(self._pod)
        if reason is None or pod is None:
            return
        annotations = pod["metadata"].get("annotations") or {}
        if annotations.get(SIMULATED_ANNOTATION) != reason:
            metadata = pod["metadata"] | {
                "annotations": annotations | {SIMULATED_ANNOTATION: reason}
            }
            self._node.objects.update({**pod, "metadata": metadata})

    def _publish(self) -> None:
        pod = self._node.present(self._pod)
        if pod is None:
            return
        facts = PodFacts(
            host_ip=self._node.address,
            pod_ip=self._address if self._sandboxed else "",
            sandboxed=self._sandboxed,
            records={runner.name: runner.record for runner in self.runners},
            failure=self._failure,
        )
        status = pod_status(pod, facts, self._node.clock.now())
        if status != pod.get("status"):
            pod = self._node.objects.update_status({**pod, "status": status})
        self._pod = pod
