"""One address on which a simulated service answers HTTP/1.1."""

from collections.abc import Awaitable, Callable

from aiohttp import web

SHUTDOWN_SECONDS = 1.0


class HttpListener:
    def __init__(
        self,
        serve: Callable[[web.Request], Awaitable[web.StreamResponse]],
        host: str,
        port: int,
        *,
        body_limit: int,
        cancels_abandoned: bool = False,
    ) -> None:
        """With port 0 the system chooses a free one; ``body_limit`` is in bytes.

        ``cancels_abandoned`` ends the serving of a request whose client has gone.
        """
        self._serve = serve
        self._host = host
        self._port = port
        self._body_limit = body_limit
        self._cancels_abandoned = cancels_abandoned
        self._runner: web.AppRunner | None = None

    async def start(self) -> str:
        """Listens, and answers the URL; raises OSError where the address may not be had."""
        app = web.Application(client_max_size=self._body_limit)
        app.router.add_route("*", "/{path:.*}", self._serve)
        runner = web.AppRunner(
            app,
            access_log=None,
            handler_cancellation=self._cancels_abandoned,
            shutdown_timeout=SHUTDOWN_SECONDS,
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
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
