"""What the API server asks of kubelets: the streams of a pod's containers."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from simulator.kubernetes.status import Object


class Channel(IntEnum):
    """Stream numbers of the ``v5.channel.k8s.io`` websocket protocol."""

    STDIN = 0
    STDOUT = 1
    STDERR = 2
    ERROR = 3
    RESIZE = 4
    CLOSE = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    tail_lines: int | None = None
    since_seconds: int | None = None
    limit_bytes: int | None = None


class Session(Protocol):
    """A running attach or exec."""

    async def write(self, data: bytes) -> None: ...

    async def close_stdin(self) -> None: ...

    async def resize(self, columns: int, rows: int) -> None: ...

    def output(self) -> AsyncIterator[tuple[Channel, bytes]]:
        """What the process writes, until it has ended and all of it was read."""
        ...

    async def exit_code(self) -> int: ...

    async def close(self) -> None:
        """The client has gone."""
        ...


class PodStreams(Protocol):
    """Calls raise ``ApiError`` (400, 404, 501) where a stream can't be had, saying why."""

    def logs(self, pod: Object, container: str, options: LogOptions) -> AsyncIterator[bytes]: ...

    async def attach(self, pod: Object, container: str, *, stdin: bool, tty: bool) -> Session: ...

    async def exec(
        self, pod: Object, container: str, command: list[str], *, stdin: bool, tty: bool
    ) -> Session: ...

    async def dial(self, pod: Object, port: int) -> tuple[str, int]:
        """The address on which the pod's ``port`` is reachable from this machine."""
        ...
