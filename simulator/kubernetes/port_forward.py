"""Port forwarding: SPDY streams inside websocket messages, each pair a TCP connection to the pod.

For every connection the client opens an error stream and a data stream, both with the port and a
request id in their headers; what goes wrong is written to the error stream as text.
"""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import ClientConnectionResetError, WSMsgType, web

from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.spdy import (
    Ping,
    SpdyConnection,
    StreamData,
    StreamOpened,
    StreamReset,
)
from simulator.kubernetes.status import ApiError

PROTOCOL = "SPDY/3.1+portforward.k8s.io"
CHUNK = 32 * 1024
CONNECT_SECONDS = 10.0

Dial = Callable[[int], Awaitable[tuple[str, int]]]


async def serve_port_forward(api_server: ApiServer, request: web.Request) -> web.StreamResponse:
    """Serves until the client closes; raises ApiError where the pod can't be reached at all."""

    async def dial(port: int) -> tuple[str, int]:
        return await api_server.dial(request.raw_path, port)

    await api_server.check_pod_stream(request.raw_path)
    socket = web.WebSocketResponse(protocols=[PROTOCOL])
    await socket.prepare(request)
    async with asyncio.TaskGroup() as tasks:
        forwarding = _Forwarding(socket, dial, tasks)
        await forwarding.run()
        forwarding.close()
    return socket


class _Forwarding:
    def __init__(self, socket: web.WebSocketResponse, dial: Dial, tasks: asyncio.TaskGroup) -> None:
        self._socket = socket
        self._dial = dial
        self._tasks = tasks
        self._spdy = SpdyConnection()
        self._error_streams: dict[str, int] = {}
        self._writers: dict[int, asyncio.Future[asyncio.StreamWriter | None]] = {}
        self._pumps: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        async for message in self._socket:
            if message.type is not WSMsgType.BINARY:
                continue
            for event in self._spdy.receive(message.data):
                await self._on_event(event)

    def close(self) -> None:
        for pump in self._pumps:
            pump.cancel()

    async def _on_event(self, event: StreamOpened | StreamData | StreamReset | Ping) -> None:
        match event:
            case StreamOpened(stream, headers):
                await self._send(self._spdy.reply(stream))
                request_id = headers.get("requestid", "")
                if headers.get("streamtype") == "error":
                    self._error_streams[request_id] = stream
                else:
                    errors = self._error_streams.pop(request_id, 0)
                    self._start_pump(stream, errors, int(headers.get("port", "0")))
            case StreamData(stream, data, is_finished):
                await self._to_pod(stream, data, is_finished=is_finished)
            case StreamReset(stream):
                await self._to_pod(stream, b"", is_finished=True)
            case Ping(number):
                await self._send(self._spdy.ping(number))

    def _start_pump(self, stream: int, errors: int, port: int) -> None:
        self._writers[stream] = asyncio.get_running_loop().create_future()
        pump = self._tasks.create_task(self._pump(stream, errors, port))
        self._pumps.add(pump)
        pump.add_done_callback(self._pumps.discard)

    async def _to_pod(self, stream: int, data: bytes, *, is_finished: bool) -> None:
        connecting = self._writers.get(stream)
        writer = None if connecting is None else await connecting
        if writer is None:
            return
        try:
            writer.write(data)
            await writer.drain()
            if is_finished and writer.can_write_eof():
                writer.write_eof()
        except ConnectionError:
            writer.close()

    async def _pump(self, stream: int, errors: int, port: int) -> None:
        """Connects, then carries what the pod sends to the client until the pod closes."""
        writer = None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                reader, writer = await asyncio.open_connection(*await self._dial(port))
            self._writers[stream].set_result(writer)
            while chunk := await reader.read(CHUNK):
                await self._send(self._spdy.data(stream, chunk))
        except (ApiError, OSError) as error:
            text = f"error forwarding port {port}: {error}".encode()
            await self._send(self._spdy.data(errors, text))
        finally:
            if writer is not None:
                writer.close()
            if not self._writers[stream].done():
                self._writers[stream].set_result(None)
        await self._send(self._spdy.data(stream, b"", is_finished=True))
        await self._send(self._spdy.data(errors, b"", is_finished=True))

    async def _send(self, data: bytes) -> None:
        """A client that has gone ends ``run``, which ends the rest."""
        try:
            await self._socket.send_bytes(data)
        except ClientConnectionResetError:
            return
