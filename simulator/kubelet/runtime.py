"""What a kubelet asks of a container runtime: pull images, start containers, and talk to them."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from simulator.kubelet.volumes import Mount, Volume
from simulator.kubernetes.pod_streams import LogOptions, Session
from simulator.kubernetes.status import Object

Progress = Callable[[str], None]


class ImagePullError(Exception):
    """The image can't be had here; the message says why, and what could be done."""


class StartError(Exception):
    """The container could not be created; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How a container's process ended. ``code`` is 128 + signal where a signal ended it."""

    code: int
    message: str = ""

    @property
    def reason(self) -> str:
        return "Error" if self.code else "Completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerConfig:
    """All a runtime needs to start one container of a pod once.

    ``pod`` has its address in ``status.podIP``; ``attempt`` counts the restarts before this start.
    """

    pod: Object
    name: str
    image: str
    attempt: int
    command: Sequence[str] = ()
    arguments: Sequence[str] = ()
    environment: Mapping[str, str]
    working_directory: str | None = None
    mounts: Sequence[Mount] = ()
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False


@dataclass(frozen=True, slots=True)
class ProbeOutcome:
    succeeded: bool
    message: str = ""


class Container(Protocol):
    """A started container."""

    @property
    def id(self) -> str: ...

    @property
    def started_at(self) -> datetime: ...

    async def wait(self) -> Exit:
        """Until the process has ended and its output is kept. Any number may wait."""
        ...

    async def stop(self, grace_seconds: float) -> Exit:
        """SIGTERM, and SIGKILL when ``grace_seconds`` have passed. Calling again hurries."""
        ...

    async def probe(self, handler: Object, timeout_seconds: float) -> ProbeOutcome:
        """Runs ``httpGet``, ``tcpSocket`` or ``exec`` once."""
        ...

    async def attach(self) -> Session: ...

    async def exec(self, command: Sequence[str], *, stdin: bool, tty: bool) -> Session: ...


class ContainerRuntime(Protocol):
    @property
    def name(self) -> str:
        """The scheme of container ids, and what nodes report as their runtime."""
        ...

    @property
    def simulated_because(self) -> str | None:
        """For people: why nothing really runs here; None where it does."""
        ...

    async def pull(self, image: str, progress: Progress) -> str:
        """Makes the image ready and answers its id. Raises ImagePullError."""
        ...

    def is_present(self, image: str) -> bool:
        """Whether ``pull`` has nothing to do."""
        ...

    async def prepare_volumes(self, pod: Object, volumes: Sequence[Volume]) -> None:
        """Raises StartError."""
        ...

    async def start(self, config: ContainerConfig) -> Container:
        """Raises StartError. No container is left behind where this is cancelled."""
        ...

    def recover(
        self, pod: Object, name: str, container_id: str, started_at: datetime
    ) -> Container | None:
        """The container, if it kept running while its kubelet was away."""
        ...

    def logs(
        self, pod: Object, container: str, attempt: int, options: LogOptions
    ) -> AsyncIterator[bytes]: ...

    def remove_pod(self, uid: str) -> None:
        """Forgets volumes and logs of a pod that has gone."""
        ...
