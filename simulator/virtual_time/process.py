"""A simulated process: what crashes, pauses and has a clock as one.

Whatever runs belongs to the process in whose context it was started, tasks and callbacks alike, so
code need not know that it is in one. A crashed process simply never runs again: nothing of it is
cancelled, no ``finally`` is entered, as with ``kill -9``.
"""

from collections import deque
from contextvars import Context, ContextVar, copy_context
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio


class Process:
    """``steps`` counts how often a task of it has run up to its next await."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.steps = 0
        self.clock_error = timedelta(0)
        self.crashed = False
        self.paused = False
        self.held: deque[asyncio.Handle] = deque()
        """What became due while the process was paused, in order."""

    def __repr__(self) -> str:
        return f"<process {self.name}>"

    def context(self) -> Context:
        """A context whose tasks and callbacks are this process's."""
        context = copy_context()
        context.run(_CURRENT.set, self)
        return context


_CURRENT: ContextVar[Process | None] = ContextVar("process", default=None)


def current_process() -> Process | None:
    return _CURRENT.get()


def process_of(context: Context) -> Process | None:
    return context.get(_CURRENT)
