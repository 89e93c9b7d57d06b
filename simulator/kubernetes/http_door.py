"""The API server's front door for kubectl and all other clients: HTTP/1.1 on one address.

It knows only what the transport-free server shows: requests in, answers and streams out.
"""

from aiohttp import web

from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.http_messages import error_response
from simulator.kubernetes.http_requests import BODY_LIMIT, HttpRequests
from simulator.kubernetes.port_forward import PROTOCOL, serve_port_forward
from simulator.kubernetes.remote_command import serve_session
from simulator.kubernetes.status import ApiError

SHUTDOWN_SECONDS = 1.0


class HttpDoor:
    def __init__(self, api_server: ApiServer, host: str = "127.0.0.1", port: int = 0) -> None:
        """With port 0 the system chooses a free one."""
        self._api_server = api_server
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        self._requests = HttpRequests(api_server.handle)

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
        self._requests.end_streams()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

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
