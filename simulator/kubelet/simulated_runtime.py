"""Containers that nothing runs: they take the time of real ones, and say what they are.

A container of a pod that is to run to completion ends, successfully, after the same while in which
another becomes ready. None ever answers a request: see ``simulated_endpoint``.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime

from simulator.clock import Clock
from simulator.kubelet.pod_status import restart_policy
from simulator.kubelet.runtime import ContainerConfig, Exit, ProbeOutcome, Progress
from simulator.kubelet.volumes import Volume
from simulator.kubernetes.pod_streams import LogOptions, Session
from simulator.kubernetes.status import ApiError, Object
from simulator.timings import Timings

TERMINATED_CODE = 143  # 128 + SIGTERM
SCHEME = "simulated"


class SimulatedContainer:
    def __init__(
        self, id_: str, started_at: datetime, *, reason: str, load_seconds: float, ends: bool
    ) -> None:
        loop = asyncio.get_running_loop()
        self._id = id_
        self._started_at = started_at
        self._reason = reason
        self._ready_at = loop.time() + load_seconds
        self._exit: asyncio.Future[Exit] = loop.create_future()
        if ends:
            loop.call_at(self._ready_at, self._end, Exit(code=0))

    @property
    def id(self) -> str:
        return self._id

    @property
    def started_at(self) -> datetime:
        return self._started_at

    async def wait(self) -> Exit:
        return await asyncio.shield(self._exit)

    async def stop(self, grace_seconds: float) -> Exit:  # noqa: ARG002 - nothing needs the grace
        self._end(Exit(code=TERMINATED_CODE))
        return self._exit.result()

    async def probe(self, handler: Object, timeout_seconds: float) -> ProbeOutcome:  # noqa: ARG002
        loaded = asyncio.get_running_loop().time() >= self._ready_at
        return ProbeOutcome(loaded, "" if loaded else f"still loading ({self._reason})")

    async def attach(self) -> Session:
        raise self._refusal("attach to")

    async def exec(self, command: Sequence[str], *, stdin: bool, tty: bool) -> Session:  # noqa: ARG002
        raise self._refusal("execute a command in")

    def _refusal(self, verb: str) -> ApiError:
        return ApiError(501, "NotImplemented", f"cannot {verb} a {self._reason}")

    def _end(self, exit_: Exit) -> None:
        if not self._exit.done():
            self._exit.set_result(exit_)


class SimulatedRuntime:
    """``reason`` tells people why the workloads of this node do not really run."""

    name = SCHEME

    def __init__(self, clock: Clock, timings: Timings, reason: str) -> None:
        self._clock = clock
        self._timings = timings
        self._reason = reason
        self._images: set[str] = set()

    @property
    def simulated_because(self) -> str | None:
        return self._reason

    def is_present(self, image: str) -> bool:
        return image in self._images

    async def pull(self, image: str, progress: Progress) -> str:  # noqa: ARG002 - it is short
        if image not in self._images:
            await asyncio.sleep(self._timings.image_pull)
            self._images.add(image)
        return f"{SCHEME}://{_digest(image)}"

    async def prepare_volumes(self, pod: Object, volumes: Sequence[Volume]) -> None:
        """Nothing reads them."""

    async def start(self, config: ContainerConfig) -> SimulatedContainer:
        await asyncio.sleep(self._timings.container_start)
        facts = f"{config.pod['metadata']['uid']}/{config.name}/{config.attempt}"
        id_ = f"{SCHEME}://{_digest(facts)}"
        return self._container(config.pod, config.name, id_, self._clock.now())

    def recover(
        self, pod: Object, name: str, container_id: str, started_at: datetime
    ) -> SimulatedContainer:
        return self._container(pod, name, container_id, started_at)

    async def logs(
        self,
        pod: Object,
        container: str,
        attempt: int,  # noqa: ARG002 - every start would say the same
        options: LogOptions,  # noqa: ARG002
    ) -> AsyncIterator[bytes]:
        name = pod["metadata"]["name"]
        yield f"container {container} of pod {name} is a {self._workload}\n".encode()

    def remove_pod(self, uid: str) -> None:
        """Nothing was kept."""

    @property
    def _workload(self) -> str:
        return f"simulated workload: {self._reason}"

    def _container(
        self, pod: Object, name: str, id_: str, started_at: datetime
    ) -> SimulatedContainer:
        inits = {one["name"] for one in pod["spec"].get("initContainers") or ()}
        age = (self._clock.now() - started_at).total_seconds()
        return SimulatedContainer(
            id_,
            started_at,
            reason=self._workload,
            load_seconds=max(0.0, self._timings.simulated_model_load - age),
            ends=name in inits or restart_policy(pod["spec"]) != "Always",
        )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
