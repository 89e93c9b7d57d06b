"""The way of one watch's events from the server to its client."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

import aiohttp

from simulator.kubernetes.json_values import decode, encode
from simulator.kubernetes.status import ApiError
from simulator.kubernetes.watches import error_event, event
from simulator.virtual_time.process import Process

BOOKMARK_SECONDS = 10.0


class WatchPipe:
    """Carries chunks in order, each after a latency; ``read`` takes them line by line.

    Held back, it keeps what comes; half open, it loses it, and tells nobody.
    """

    def __init__(
        self,
        client: Process,
        kind: str,
        *,
        latency: Callable[[], float],
        on_close: Callable[["WatchPipe"], None],
    ) -> None:
        self.client = client
        self.kind = kind
        self._loop = asyncio.get_running_loop()
        self._latency = latency
        self._on_close = on_close
        self._under_way: deque[bytes] = deque()
        self._held_back: deque[bytes] = deque()
        self._lines: deque[bytes] = deque()
        self._reader: asyncio.Future[None] | None = None
        self._free_at = 0.0
        self._held_until = 0.0
        self._ended = False
        self._error: Exception | None = None
        self._half_open = False
        self._last: bytes = b""
        self.closed = False

    # The server's end.

    def send(self, chunk: bytes) -> None:
        """``chunk`` is one or more whole lines; b"" is the end."""
        self._under_way.append(chunk)
        self._free_at = max(self._free_at, self._loop.time() + self._latency())
        self._loop.call_at(self._free_at, self._arrive)

    def _arrive(self) -> None:
        """The oldest chunk, whichever timer this is: chunks do not overtake one another."""
        chunk = self._under_way.popleft()
        if self._half_open:
            return
        if self._loop.time() < self._held_until:
            self._held_back.append(chunk)
        else:
            self._deliver(chunk)

    def _deliver(self, chunk: bytes) -> None:
        if not chunk:
            self._ended = True
        else:
            self._lines.extend(chunk.splitlines(keepends=True))
            self._last = chunk
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    # Faults.

    def hold_back(self, seconds: float) -> None:
        self._held_until = max(self._held_until, self._loop.time() + seconds)
        self._loop.call_at(self._held_until, self._let_go)

    def _let_go(self) -> None:
        if self._loop.time() < self._held_until:
            return
        while self._held_back:
            self._deliver(self._held_back.popleft())

    def bookmarks_only(self, seconds: float) -> None:
        """Holds back, and repeats where the client stands every so often."""
        self.hold_back(seconds)
        self._loop.call_later(BOOKMARK_SECONDS, self._repeat_bookmark)

    def _repeat_bookmark(self) -> None:
        if self.closed or self._ended or self._loop.time() >= self._held_until:
            return
        if self._last:
            latest = decode(self._last.splitlines()[-1])["object"]
            version = latest.get("metadata", {}).get("resourceVersion", "")
            head = {"kind": latest.get("kind"), "apiVersion": latest.get("apiVersion")}
            mark = {**head, "metadata": {"resourceVersion": version, "creationTimestamp": None}}
            if version:
                self._lines.append(event("BOOKMARK", encode(mark)))
                self._wake()
        self._loop.call_later(BOOKMARK_SECONDS, self._repeat_bookmark)

    def half_open(self) -> None:
        self._half_open = True

    def expire(self) -> None:
        """The server ends the watch: what the client has seen last is too old by now."""
        error = ApiError(410, "Expired", "too old resource version: injected")
        self._held_back.clear()
        self._deliver(error_event(error))
        self._deliver(b"")

    def break_off(self) -> None:
        self.fail(aiohttp.ClientPayloadError("the connection was reset"))

    def fail(self, error: Exception) -> None:
        self._error = error
        self._wake()

    def heal(self) -> None:
        """Nothing holds it back any more; one that is half open stays lost."""
        self._held_until = 0.0
        self._let_go()

    # The client's end.

    async def readline(self) -> bytes:
        """b"" at the end; raises aiohttp.ClientError, and TimeoutError at the client's limit."""
        while not self._lines:
            if self._error is not None:
                raise self._error
            if self._ended:
                return b""
            self._reader = self._loop.create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        return self._lines.popleft()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if line := await self.readline():
            return line
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self.close()

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._on_close(self)
