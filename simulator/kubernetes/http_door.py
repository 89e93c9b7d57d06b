"""The API server's front door for kubectl and all other clients: HTTP/1.1 on one address.

It knows only what the transport-free server shows: requests in, answers and streams out.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import cast

from aiohttp import web

from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.http_messages import Response, error_response
from simulator.kubernetes.port_forward import PROTOCOL, serve_port_forward
from simulator.kubernetes.remote_command import serve_session
from simulator.kubernetes.status import ApiError

BODY_LIMIT = 8 * 1024 * 1024
"""Bytes; kube-apiserver refuses bodies above 3 MiB, and etcd objects above 1.5 MiB."""
SHUTDOWN_SECONDS = 1.0

_LOG = logging.getLogger(__name__)


class HttpDoor:
    def __init__(self, api_server: ApiServer, host: str = "127.0.0.1", port: int = 0) -> None:
        """With port 0 the system chooses a free one."""
        self._api_server = api_server
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        self._streams: set[asyncio.Task[object]] = set()

    async def start(self) -> str:
        """Listens, and answers the URL; raises OSError where the address may not be had."""
        app = web.Application(client_max_size=BODY_LIMIT)
        app.router.add_route("*", "/{path:.*}", self._serve)
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_SECONDS
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        host, port = runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def stop(self) -> None:
        """Ends open streams and stops listening."""
        for stream in self._streams:
            stream.cancel()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._upgrade(request)
        answer = await self._answer(request, await request.read())
        if isinstance(answer.body, bytes):
            return web.Response(status=answer.status, headers=answer.headers, body=answer.body)
        with self._listed():
            return await _stream(request, answer, answer.body)

    async def _answer(self, request: web.Request, body: bytes) -> Response:
        try:
            return await self._api_server.handle(
                request.method, request.raw_path, request.headers, body
            )
        except Exception:  # noqa: BLE001 - logged; the client is owed an answer, the others a server
            _LOG.exception("%s %s failed", request.method, request.raw_path)
            why = f"the simulated API server failed on {request.method} {request.raw_path}"
            return error_response(ApiError(500, "InternalError", f"{why}; its log tells more"))

    @contextmanager
    def _listed(self) -> Iterator[None]:
        """Keeps the running task among the streams that ``stop`` ends."""
        task = cast("asyncio.Task[object]", asyncio.current_task())
        self._streams.add(task)
        try:
            yield
        finally:
            self._streams.discard(task)

    async def _upgrade(self, request: web.Request) -> web.StreamResponse:
        try:
            with self._listed():
                if PROTOCOL in request.headers.get("Sec-WebSocket-Protocol", ""):
                    return await serve_port_forward(self._api_server, request)
                return await serve_session(self._api_server, request)
        except ApiError as error:
            refusal = error_response(error)
            return web.Response(
                status=refusal.status,
                headers=refusal.headers,
                body=bytes(refusal.body),  # type: ignore[arg-type]
            )


async def _stream(
    request: web.Request, answer: Response, chunks: AsyncIterator[bytes]
) -> web.StreamResponse:
    """Sends chunks as they come; the source is closed when the client leaves."""
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.enable_chunked_encoding()
    try:
        await response.prepare(request)
        async for chunk in chunks:
            await response.write(chunk)
        await response.write_eof()
    except ConnectionResetError:
        pass
    finally:
        close = getattr(chunks, "aclose", None)
        if close is not None:
            await close()
    return response
