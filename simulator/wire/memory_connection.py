"""HTTP connections without sockets, for aiohttp clients in virtual time.

The whole of the client's and the server's HTTP code runs: codec, chunks, timeouts, disconnects.
What one end writes reaches the other in order, whatever the loop's schedule; the protocols' own
callbacks run as the process that each belongs to, so that a crash of one leaves the other as it is.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextvars import Context, copy_context
from email.utils import format_datetime
from typing import Any

from aiohttp import BaseConnector, ClientRequest, ClientTimeout, StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawRequestMessage
from aiohttp.tracing import Trace
from aiohttp.web_protocol import RequestHandler

from simulator.kubernetes.http_messages import Response
from simulator.kubernetes.http_requests import BODY_LIMIT, ConnectionLost, Handle, HttpRequests
from simulator.virtual_time.clock import VirtualClock
from simulator.virtual_time.event_loop import VirtualLoop
from simulator.virtual_time.process import Process, current_process

BUFFER_BYTES = 256 * 1024
"""What the buffers of two sockets hold, about, before the writer has to wait for the reader."""

END = None
"""Travels after the last bytes of an end that was closed."""


class End(asyncio.Transport):
    """One of the two ends. ``protocol`` runs in ``context``."""

    def __init__(
        self,
        loop: VirtualLoop,
        protocol: asyncio.Protocol,
        context: Context,
        latency: Callable[[], float],
    ) -> None:
        super().__init__()
        self._loop = loop
        self._protocol = protocol
        self._context = context
        self._latency = latency
        self._arriving: deque[tuple[float, bytes | None]] = deque()
        self.backlog = 0
        self._delivery_is_due = False
        self._is_reading = True
        self._is_closed = False
        self._is_cut_off = False
        self._awaits_reader = False

    def join(self, peer: "End", connection: "Connection") -> None:
        self.peer = peer
        self._extra = {"connection": connection}

    def open(self) -> None:
        self._context.run(self._protocol.connection_made, self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._is_closed:
            return
        self.peer.receive(bytes(data), self._latency())
        if not self._awaits_reader and self.get_write_buffer_size() > BUFFER_BYTES:
            self._awaits_reader = True
            self._protocol.pause_writing()

    def get_write_buffer_size(self) -> int:
        """Bytes that the peer has not taken yet."""
        return self.peer.backlog

    def receive(self, data: bytes | None, delay: float) -> None:
        """``data`` arrives ``delay`` seconds from now, though never before what was sent first."""
        if self._is_closed or self._is_cut_off:
            return
        due = self._loop.time() + delay
        if self._arriving:
            due = max(due, self._arriving[-1][0])
        self._arriving.append((due, data))
        self.backlog += len(data or b"")
        self._schedule_delivery()

    def _schedule_delivery(self) -> None:
        """One callback delivers for all, since a schedule may take callbacks in any order."""
        if self._delivery_is_due or not self._arriving or not self._is_reading:
            return
        self._delivery_is_due = True
        due = self._arriving[0][0]
        if due <= self._loop.time():
            self._loop.call_soon(self._deliver, context=self._context)
        else:
            self._loop.call_at(due, self._deliver, context=self._context)

    def _deliver(self) -> None:
        now = self._loop.time()
        while self._is_reading and self._arriving and self._arriving[0][0] <= now:
            _, data = self._arriving.popleft()
            if data is END:
                self.lose(None)
            else:
                self.backlog -= len(data)
                self._protocol.data_received(data)
        self._delivery_is_due = False
        self._schedule_delivery()
        self.peer.go_on_writing()

    def go_on_writing(self) -> None:
        if self._awaits_reader and self.get_write_buffer_size() <= BUFFER_BYTES // 4:
            self._awaits_reader = False
            self._protocol.resume_writing()

    def pause_reading(self) -> None:
        self._is_reading = False

    def resume_reading(self) -> None:
        self._is_reading = True
        self._schedule_delivery()

    def is_reading(self) -> bool:
        return self._is_reading

    def is_closing(self) -> bool:
        return self._is_closed

    def close(self) -> None:
        if not self._is_closed:
            self.peer.receive(END, self._latency())
            self.lose(None)

    def abort(self) -> None:
        """As ``close``: nothing waits on this side that could still be dropped."""
        self.close()

    def lose(self, error: Exception | None) -> None:
        """The protocol hears of the connection's end, once."""
        if not self._is_closed:
            self._is_closed = True
            self._forget_arriving()
            self._loop.call_soon(self._protocol.connection_lost, error, context=self._context)

    def cut_off(self) -> None:
        """Nothing reaches this end any more, and nothing tells it so."""
        self._is_cut_off = True
        self._forget_arriving()

    def _forget_arriving(self) -> None:
        self._arriving.clear()
        self.backlog = 0


class Connection:
    """``client`` is the process that opened it; ``carries`` is its latest request, in a line."""

    def __init__(self, client_end: End, server_end: End) -> None:
        self.client: Process | None = current_process()
        self.carries = ""
        self._client_end = client_end
        self._server_end = server_end
        client_end.join(server_end, self)
        server_end.join(client_end, self)
        server_end.open()
        client_end.open()

    @property
    def is_open(self) -> bool:
        """As the client has it."""
        return not self._client_end.is_closing()

    def drop(self) -> None:
        """Both ends lose it, with all that was on its way."""
        for end in (self._client_end, self._server_end):
            end.lose(ConnectionResetError("Connection reset by peer"))

    def fall_silent(self) -> None:
        """Half-open: both ends keep it, and nothing is delivered any more, not even its end."""
        for end in (self._client_end, self._server_end):
            end.cut_off()


class MemoryConnector(BaseConnector):
    """Connects whatever host is asked for to ``handle``, which runs as the process ``server``.

    ``latency`` is asked for the seconds that each message takes. Idle connections are kept for
    good: aiohttp would judge their age by the real clock.
    """

    def __init__(
        self,
        handle: Handle,
        *,
        loop: VirtualLoop,
        server: Process | None = None,
        latency: Callable[[], float] = lambda: 0.0,
    ) -> None:
        super().__init__(keepalive_timeout=None, limit=0, loop=loop)
        self._virtual_loop = loop
        self._clock = VirtualClock(loop)
        self._latency = latency
        self._server_context = Context() if server is None else server.context()
        self._handle = handle
        self._requests = HttpRequests(self._dated)
        self._http_server = web.Server(
            self._serve,
            request_factory=self._request,
            handler_cancellation=True,
            loop=loop,
            access_log=None,
        )
        self._connections: list[Connection] = []

    def session_options(self) -> dict[str, Any]:
        """For ``ClientSession``, which would otherwise look for proxies, in a thread."""
        return {"connector": self, "trust_env": False}

    @property
    def connections(self) -> list[Connection]:
        """The open ones, in the order in which they were opened."""
        self._connections = [each for each in self._connections if each.is_open]
        return list(self._connections)

    async def _create_connection(
        self,
        req: ClientRequest,  # noqa: ARG002 - there is one server
        traces: list[Trace],  # noqa: ARG002
        timeout: ClientTimeout,  # noqa: ARG002, ASYNC109 - connecting takes no time
    ) -> ResponseHandler:
        protocol = ResponseHandler(self._virtual_loop)
        self._connections = [
            *self.connections,
            Connection(
                self._end(protocol, copy_context()),
                self._end(self._http_server(), self._server_context.copy()),
            ),
        ]
        return protocol

    def _end(self, protocol: asyncio.Protocol, context: Context) -> End:
        return End(self._virtual_loop, protocol, context, self._latency)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        connection: Connection = request.get_extra_info("connection")
        connection.carries = f"{request.method} {request.raw_path}"
        try:
            return await self._requests.serve(request)
        except ConnectionLost:
            connection.drop()
            return web.Response()  # to a transport that is closed

    async def _dated(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Response:
        """With the Date that aiohttp would otherwise take from the real clock."""
        response = await self._handle(method, target, headers, body)
        response.headers["Date"] = format_datetime(self._clock.true_now(), usegmt=True)
        return response

    def _request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: AbstractStreamWriter,
        task: "asyncio.Task[None]",
    ) -> web.BaseRequest:
        return web.BaseRequest(
            message,
            payload,
            protocol,
            writer,
            task,
            self._virtual_loop,
            client_max_size=BODY_LIMIT,
        )
