"""Containers whose life a plan decides: they take the time of real ones, and fail when told to.

They stand for real ones, so their pods bear no mark of being simulated. None ever answers a
request; whether a model would speak is asked of ``Models``, not of it.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from simulator.clock import Clock
from simulator.fate import Fate
from simulator.kubelet.pod_status import restart_policy
from simulator.kubelet.runtime import (
    ContainerConfig,
    Exit,
    ImagePullError,
    ProbeOutcome,
    Progress,
)
from simulator.kubelet.volumes import Volume
from simulator.kubernetes.pod_streams import LogOptions, Session
from simulator.kubernetes.status import ApiError, Object
from simulator.timings import Timings

SCHEME = "fated"
TERMINATED_CODE = 143  # 128 + SIGTERM
KILLED_CODE = 137  # 128 + SIGKILL
PROBES_TOLD = 3
TOLD_AGAIN_SECONDS = 30.0
"""Equal answers that a prober is given at once, before the next waits for a change.

Kubernetes' failure threshold is 3 by default: whoever probes has made up its mind by then, and a
day of probing each second costs nothing.
"""

MODEL_CONTAINER = "triton"


class FatedContainer:
    def __init__(
        self, id_: str, started_at: datetime, *, load: float, ends_with: int | None
    ) -> None:
        """Ready after ``load`` seconds; ends then, where ``ends_with`` is an exit code."""
        self._loop = asyncio.get_running_loop()
        self._id = id_
        self._started_at = started_at
        self._exit: asyncio.Future[Exit] = self._loop.create_future()
        self._changed: asyncio.Future[None] = self._loop.create_future()
        self._ready = False
        self._told = 0
        self.speaks = True
        """Whether its model answers; its server says that it is ready either way."""
        if ends_with is None:
            self._loop.call_later(load, self._be_ready)
        else:
            self._loop.call_later(load, self.end, ends_with)

    @property
    def id(self) -> str:
        return self._id

    @property
    def started_at(self) -> datetime:
        return self._started_at

    @property
    def ended(self) -> bool:
        return self._exit.done()

    async def wait(self) -> Exit:
        return await asyncio.shield(self._exit)

    async def stop(self, grace_seconds: float) -> Exit:  # noqa: ARG002 - it ends at once
        self.end(TERMINATED_CODE)
        return self._exit.result()

    async def probe(self, handler: Object, timeout_seconds: float) -> ProbeOutcome:  # noqa: ARG002
        """What a prober knows already it is told again when it has changed, or seldom.

        Not seldom enough for liveness to be content with a model that never gets ready.
        """
        if self._told >= PROBES_TOLD:
            with suppress(TimeoutError):
                async with asyncio.timeout(None if self._ready else TOLD_AGAIN_SECONDS):
                    await asyncio.shield(self._changed)
        self._told += 1
        return ProbeOutcome(self._ready, "" if self._ready else "still loading")

    def _be_ready(self) -> None:
        self._ready = True
        self._told = 0
        if not self._changed.done():
            self._changed.set_result(None)
        self._changed = self._loop.create_future()

    def end(self, code: int) -> None:
        if not self._exit.done():
            self._exit.set_result(Exit(code=code))

    async def attach(self) -> Session:
        raise _refusal("attach to")

    async def exec(self, command: Sequence[str], *, stdin: bool, tty: bool) -> Session:  # noqa: ARG002
        raise _refusal("execute a command in")


def _refusal(verb: str) -> ApiError:
    return ApiError(501, "NotImplemented", f"cannot {verb} a container that a plan plays")


@dataclass(slots=True)
class Models:
    """The running model servers, by pod uid; ``on_change`` hears of each that comes or changes."""

    running: dict[str, FatedContainer] = field(default_factory=dict)
    on_change: list[Callable[[str], None]] = field(default_factory=list)

    def started(self, uid: str, container: FatedContainer) -> None:
        self.running[uid] = container
        self.tell(uid)

    def fall_silent(self, uid: str) -> None:
        self.running[uid].speaks = False
        self.tell(uid)

    def speaks(self, uid: str) -> bool:
        container = self.running.get(uid)
        return container is not None and not container.ended and container.speaks

    def tell(self, uid: str) -> None:
        for reader in self.on_change:
            reader(uid)


@dataclass(frozen=True, slots=True, kw_only=True)
class FatedRuntime:
    """Runs the containers of one pod, or, with None, reports for its node."""

    clock: Clock
    timings: Timings
    fate: Fate
    models: Models
    pod: Object | None = None

    @property
    def name(self) -> str:
        return SCHEME

    @property
    def simulated_because(self) -> str | None:
        """None: to the control plane under test these are real."""
        return None

    def is_present(self, image: str) -> bool:  # noqa: ARG002 - every pod pulls its own
        return False

    async def pull(self, image: str, progress: Progress) -> str:  # noqa: ARG002
        await asyncio.sleep(self.timings.image_pull)
        why = "" if self.pod is None else self.fate.of_pull(self.pod)
        if why:
            raise ImagePullError(why)
        return f"{SCHEME}://{_digest(image)}"

    async def prepare_volumes(self, pod: Object, volumes: Sequence[Volume]) -> None:
        """Nothing reads them."""

    async def start(self, config: ContainerConfig) -> FatedContainer:
        await asyncio.sleep(self.timings.container_start)
        metadata = config.pod["metadata"]
        start = self.fate.of_start(config.pod, config.name, config.attempt)
        ends_with = start.exit_code
        if ends_with is None and _runs_to_completion(config.pod, config.name):
            ends_with = 0
        serves = config.name == MODEL_CONTAINER
        container = FatedContainer(
            f"{SCHEME}://{_digest(metadata['uid'], config.name, str(config.attempt))}",
            self.clock.now(),
            load=(self.timings.simulated_model_load if serves else 0.0) + start.delay,
            ends_with=ends_with,
        )
        if serves:
            self.models.started(metadata["uid"], container)
        return container

    def recover(
        self, pod: Object, name: str, container_id: str, started_at: datetime
    ) -> FatedContainer | None:
        """A kubelet that was away finds a model server again where it still runs."""
        del started_at
        found = self.models.running.get(pod["metadata"]["uid"]) if name == MODEL_CONTAINER else None
        alive = found is not None and not found.ended and found.id == container_id
        return found if alive else None

    async def logs(
        self,
        pod: Object,
        container: str,
        attempt: int,  # noqa: ARG002
        options: LogOptions,  # noqa: ARG002
    ) -> AsyncIterator[bytes]:
        name = pod["metadata"]["name"]
        yield f"container {container} of pod {name} is played by a plan\n".encode()

    def remove_pod(self, uid: str) -> None:
        self.models.running.pop(uid, None)


def _runs_to_completion(pod: Object, name: str) -> bool:
    inits = {one["name"] for one in pod["spec"].get("initContainers") or ()}
    return name in inits or restart_policy(pod["spec"]) != "Always"


def _digest(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()
