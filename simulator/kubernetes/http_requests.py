"""From aiohttp's requests to the transport-free server and back, whatever carried the bytes."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import cast

from aiohttp import web

from simulator.kubernetes.http_messages import Response, error_response
from simulator.kubernetes.status import ApiError

BODY_LIMIT = 8 * 1024 * 1024
"""Bytes; kube-apiserver refuses bodies above 3 MiB, and etcd objects above 1.5 MiB."""

Handle = Callable[[str, str, Mapping[str, str], bytes], Awaitable[Response]]
"""Method, target, headers and body to their answer, as ``ApiServer.handle``."""


class ConnectionLost(Exception):
    """Raised by a ``Handle``: nothing is answered, the connection breaks."""


_LOG = logging.getLogger(__name__)


class HttpRequests:
    """Answers requests, and keeps the streams it has open so that they can be ended."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._streams: set[asyncio.Task[object]] = set()

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        answer = await self._answer(request, await request.read())
        if isinstance(answer.body, bytes):
            return web.Response(status=answer.status, headers=answer.headers, body=answer.body)
        with self.listed():
            return await _stream(request, answer, answer.body)

    async def _answer(self, request: web.BaseRequest, body: bytes) -> Response:
        try:
            return await self._handle(request.method, request.raw_path, request.headers, body)
        except ConnectionLost:
            raise
        except Exception:  # noqa: BLE001 - logged; the client is owed an answer, the others a server
            _LOG.exception("%s %s failed", request.method, request.raw_path)
            why = f"the simulated API server failed on {request.method} {request.raw_path}"
            return error_response(ApiError(500, "InternalError", f"{why}; its log tells more"))

    @contextmanager
    def listed(self) -> Iterator[None]:
        """Keeps the running task among the streams that ``end_streams`` ends."""
        task = cast("asyncio.Task[object]", asyncio.current_task())
        self._streams.add(task)
        try:
            yield
        finally:
            self._streams.discard(task)

    def end_streams(self) -> None:
        for stream in self._streams:
            stream.cancel()


async def _stream(
    request: web.BaseRequest, answer: Response, chunks: AsyncIterator[bytes]
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
