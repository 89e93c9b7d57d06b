"""The simulated Azure's front door: HTTP/1.1 on one address, as ARM's without its TLS."""

import logging

from aiohttp import web

from simulator.azure.failures import server_error
from simulator.azure.messages import Answer, Handle, Request, refusal_answer
from simulator.http_listener import HttpListener

BODY_LIMIT = 4 * 1024 * 1024
"""Bytes; ARM's own."""

log = logging.getLogger(__name__)


class AzureDoor:
    def __init__(self, handle: Handle, host: str = "127.0.0.1", port: int = 0) -> None:
        """With port 0 the system chooses a free one."""
        self._handle = handle
        self._listener = HttpListener(self._serve, host, port, body_limit=BODY_LIMIT)

    async def start(self) -> str:
        """Listens, and answers the URL; raises OSError where the address may not be had."""
        return await self._listener.start()

    async def stop(self) -> None:
        await self._listener.stop()

    async def _serve(self, request: web.Request) -> web.Response:
        url = f"http://{request.host}{request.raw_path}"
        body = await request.read()
        answer = await self._answer(Request.parse(request.method, url, request.headers, body))
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    async def _answer(self, request: Request) -> Answer:
        try:
            return await self._handle(request)
        except Exception:  # logged; the client is owed an answer
            log.exception("%s %s failed", request.method, "/".join(request.path))
            return refusal_answer(server_error())
