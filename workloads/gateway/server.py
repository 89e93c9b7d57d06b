"""The HTTP server: uvicorn, which ends as its streams do, and waits for no slow client."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from .limits import Limits
from .traffic import Traffic

CUT_SECONDS = 1  # for streams that a drain has not outlasted, to be cut off


class DrainingServer(uvicorn.Server):
    """On SIGTERM lets its requests end, at most ``drain_seconds``, then ends by itself with 0.

    Meanwhile it listens still, so that probes are told that it drains, and others when to come
    again. A second signal cuts the wait short. uvicorn would stop listening at once, and raise the
    signal anew after it has drained.
    """

    def __init__(self, config: uvicorn.Config, traffic: Traffic, *, drain_seconds: float) -> None:
        super().__init__(config)
        self._traffic = traffic
        self._drain_seconds = drain_seconds
        self._draining: asyncio.Task[None] | None = None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.drain)
        yield

    def drain(self) -> None:
        if self._draining is None:
            self._draining = asyncio.create_task(self._drain())
        else:
            self.should_exit = True

    async def _drain(self) -> None:
        self._traffic.drain()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._drain_seconds):
                await self._traffic.none_left()
        self.should_exit = True


class Patience:
    """Does something, unless it is called off within the time."""

    def __init__(self, seconds: float, end: Callable[[], None]) -> None:
        self._seconds = seconds
        self._end = end
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Changes nothing where it has begun already."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._end)

    def call_off(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class PunctualProtocol(H11Protocol):
    """Closes a connection that does not send a whole request in time, or does not read answers.

    uvicorn waits for ever for a request's head, for a body that the application left unread, and
    for a client to read.
    """

    limits: Limits

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arrival = Patience(self.limits.arrival_seconds, transport.close)
        self._stall = Patience(self.limits.stall_seconds, transport.abort)
        self._arrival.begin()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._arrival.begin()
        else:
            self._arrival.call_off()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stall.begin()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stall.call_off()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._arrival.call_off()
        self._stall.call_off()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    certificate: Path
    key: Path


def server(
    app: ASGIApp,
    *,
    host: str,
    port: int,
    limits: Limits,
    traffic: Traffic,
    drain_seconds: float,
    tls: Tls | None = None,
) -> DrainingServer:
    protocol = type("Protocol", (PunctualProtocol,), {"limits": limits})
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=limits.connections,
        h11_max_incomplete_event_size=limits.header_bytes,
        timeout_graceful_shutdown=CUT_SECONDS,
        ssl_certfile=tls.certificate if tls else None,
        ssl_keyfile=tls.key if tls else None,
    )
    return DrainingServer(config, traffic, drain_seconds=drain_seconds)
