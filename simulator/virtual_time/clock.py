"""Dates of a simulated world; each process may be wrong about them in its own way."""

from datetime import UTC, datetime, timedelta

from simulator.virtual_time.event_loop import VirtualLoop
from simulator.virtual_time.process import current_process

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""When every simulated history begins."""


class VirtualClock:
    """Implements the clocks of the engine and the simulator."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def now(self) -> datetime:
        """As the running process has it: off by its clock's error."""
        true = EPOCH + timedelta(seconds=self._loop.time())
        process = current_process()
        return true if process is None else true + process.clock_error

    def true_now(self) -> datetime:
        return EPOCH + timedelta(seconds=self._loop.time())
