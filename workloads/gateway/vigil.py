"""Notices that the process which runs a model has died, and tells those who wait for it.

Triton 24.10 says nothing to the requests that such a process took with it (measured): they would
wait until their own deadlines. So while answers are awaited the model is asked who it is, which
costs it no token. Another name, or the news that it is gone, means that what was asked before will
never be answered.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .generation import GenerationFailed, TimedOut

logger = logging.getLogger(__name__)

PERIOD_SECONDS = 2.0


@dataclass(slots=True, eq=False)
class Call:
    """One answer that is awaited. ``cancel`` ends the wait, once there is one."""

    cancel: Callable[[], object] = lambda: None
    lost: bool = False


class Vigil:
    """``ask`` gives the name of the process, or raises GenerationFailed."""

    def __init__(self, ask: Callable[[], Awaitable[str]], period_seconds: float) -> None:
        self._ask = ask
        self._period_seconds = period_seconds
        self._calls: set[Call] = set()
        self._watching: asyncio.Task[None] | None = None

    @contextmanager
    def over(self, call: Call) -> Iterator[None]:
        """Watches while the block runs; ``call`` is lost, and cancelled, if its answer is."""
        self._calls.add(call)
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch(), name="vigil")
        try:
            yield
        finally:
            self._calls.discard(call)

    async def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    async def _watch(self) -> None:
        known = ""
        try:
            while self._calls:
                asked = set(self._calls)
                name = await self._name(known)
                if known and name != known:
                    self._lose(asked)
                known = name
                await asyncio.sleep(self._period_seconds)
        finally:
            self._watching = None

    async def _name(self, known: str) -> str:
        """Empty where it is gone. Who is only slow has not changed."""
        try:
            return await self._ask()
        except TimedOut:
            return known
        except GenerationFailed:
            return ""

    def _lose(self, calls: set[Call]) -> None:
        logger.warning("the model's process has ended; %d answers are lost", len(calls))
        for call in calls & self._calls:
            call.lost = True
            call.cancel()
