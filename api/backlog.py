"""What a watch has read and not yet sent: bounded, and over once it is full or told to end."""

import asyncio
from collections import deque

from api.errors import SlowReader
from engine.ports import StoreEvent


class Backlog:
    def __init__(self, *, bound: int) -> None:
        self._events: deque[StoreEvent] = deque()
        self._bound = bound
        self._error: Exception | None = None
        self._stirred = asyncio.Event()

    @property
    def ended(self) -> bool:
        return self._error is not None

    def put(self, event: StoreEvent) -> None:
        if len(self._events) >= self._bound:
            self.end(SlowReader(len(self._events)))
        if not self.ended:
            self._events.append(event)
            self._stirred.set()

    def end(self, error: Exception) -> None:
        """Drops what waits; the reader gets ``error`` next. The first error stays."""
        self._error = self._error or error
        self._events.clear()
        self._stirred.set()

    def check(self) -> None:
        """Raises the error with which the backlog ended, if it did."""
        if self._error is not None:
            raise self._error

    async def get(self, *, patience_seconds: float) -> StoreEvent | None:
        """The next event, None if none came in time; raises the error with which it ended."""
        if not self._events and not self.ended:
            self._stirred.clear()
            try:
                async with asyncio.timeout(patience_seconds):
                    await self._stirred.wait()
            except TimeoutError:
                return None
        self.check()
        return self._events.popleft()
