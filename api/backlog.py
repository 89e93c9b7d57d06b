"""What a watch has read and not yet sent: bounded, and over once its reader stands still."""

import asyncio
from collections import deque

from api.errors import SlowReader
from engine.ports import StoreEvent


class Backlog:
    """A queue of at most ``bound`` events between one writer and one reader.

    A full backlog holds its writer back. A reader that takes nothing from a full one for
    ``patience_seconds`` ends it, with SlowReader.
    """

    def __init__(self, *, bound: int, patience_seconds: float) -> None:
        self._events: deque[StoreEvent] = deque()
        self._bound = bound
        self._patience_seconds = patience_seconds
        self._error: Exception | None = None
        self._filled = asyncio.Event()
        self._taken = asyncio.Event()

    @property
    def ended(self) -> bool:
        return self._error is not None

    async def put(self, event: StoreEvent) -> None:
        while len(self._events) >= self._bound and not self.ended:
            self._taken.clear()
            if not await _within(self._patience_seconds, self._taken):
                self.end(SlowReader(len(self._events)))
        if not self.ended:
            self._events.append(event)
            self._filled.set()

    def end(self, error: Exception) -> None:
        """Drops what waits; the reader gets ``error`` next. The first error stays."""
        self._error = self._error or error
        self._events.clear()
        self._filled.set()
        self._taken.set()

    def check(self) -> None:
        """Raises the error with which the backlog ended, if it did."""
        if self._error is not None:
            raise self._error

    async def get(self, *, within_seconds: float) -> StoreEvent | None:
        """The next event, None if none came in time; raises the error with which it ended."""
        if not self._events and not self.ended:
            self._filled.clear()
            if not await _within(within_seconds, self._filled):
                return None
        self.check()
        self._taken.set()
        return self._events.popleft()


async def _within(seconds: float, event: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
