"""A listening TCP socket whose connections are counted, bounded and owned."""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

Handle = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

CONNECTION_LIMIT = 512


class Listener:
    """``handle`` serves one connection, which is closed after it."""

    def __init__(self, handle: Handle, *, connection_limit: int = CONNECTION_LIMIT) -> None:
        self._handle = handle
        self._limit = connection_limit
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, address: str, port: int) -> int:
        """Answers the port it listens on, chosen by the system for port 0. Raises OSError.

        Cancelled or not, ``stop`` closes what it opened.
        """
        listening = socket.create_server((address, port))
        self._server = await asyncio.start_server(self._accept, sock=listening, start_serving=False)
        bound: int = listening.getsockname()[1]
        await self._server.start_serving()
        return bound

    async def stop(self) -> None:
        """Ends its connections too."""
        if self._server is not None:
            self._server.close()
        connections = list(self._connections)
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._connections) >= self._limit:
            writer.transport.abort()
            return
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._handle(reader, writer)
        except OSError as error:  # one of the two ends has gone
            log.debug("connection from %s: %s", writer.get_extra_info("peername"), error)
        finally:
            writer.close()
