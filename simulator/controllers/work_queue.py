"""Work waiting for the control plane: each item at most once, in order of arrival."""

import asyncio
from collections.abc import Hashable
from typing import Generic, TypeVar

Item = TypeVar("Item", bound=Hashable)


class WorkQueue(Generic[Item]):
    """Holds at most one entry and one timer per item, so the number of objects bounds it."""

    def __init__(self) -> None:
        self._ready: dict[Item, None] = {}
        self._timers: dict[Item, asyncio.TimerHandle] = {}
        self._filled = asyncio.Event()

    def add(self, item: Item) -> None:
        self._ready[item] = None
        self._filled.set()

    def add_after(self, item: Item, seconds: float) -> None:
        """Adds ``item`` in that time, in place of any earlier timer of it."""
        self._cancel_timer(item)
        if seconds <= 0:
            self.add(item)
            return
        loop = asyncio.get_running_loop()
        self._timers[item] = loop.call_later(seconds, self._due, item)

    async def take(self) -> Item:
        """The oldest item; its timer, if any, is cancelled: the work is done now."""
        while not self._ready:
            self._filled.clear()
            await self._filled.wait()
        item = next(iter(self._ready))
        del self._ready[item]
        self._cancel_timer(item)
        return item

    def close(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._ready.clear()

    def _due(self, item: Item) -> None:
        del self._timers[item]
        self.add(item)

    def _cancel_timer(self, item: Item) -> None:
        timer = self._timers.pop(item, None)
        if timer is not None:
            timer.cancel()
