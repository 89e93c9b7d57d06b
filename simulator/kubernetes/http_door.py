"""The API server's front door for kubectl and all other clients: HTTP/1.1 on one address.

It knows only what the transport-free server shows: requests in, answers and streams out.
"""

from aiohttp import web

from simulator.http_listener import HttpListener
from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.http_messages import error_response
from simulator.kubernetes.http_requests import BODY_LIMIT, HttpRequests
from simulator.kubernetes.port_forward import PROTOCOL, serve_port_forward
from simulator.kubernetes.remote_command import serve_session
from simulator.kubernetes.status import ApiError


class HttpDoor:
    def __init__(self, api_server: ApiServer, host: str = "127.0.0.1", port: int = 0) -> None:
        """With port 0 the system chooses a free one."""
        self._api_server = api_server
        self._listener = HttpListener(
            self._serve, host, port, body_limit=BODY_LIMIT, cancels_abandoned=True
        )
        self._requests = HttpRequests(api_server.handle)

    async def start(self) -> str:
        """Listens, and answers the URL; raises OSError where the address may not be had."""
        return await self._listener.start()

    async def stop(self) -> None:
        """Ends open streams and stops listening."""
        self._requests.end_streams()
        await self._listener.stop()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._upgrade(request)
        return await self._requests.serve(request)

    async def _upgrade(self, request: web.Request) -> web.StreamResponse:
        try:
            with self._requests.listed():
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
