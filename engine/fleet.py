"""Many drivers: one sequential driver a thing, in parallel across.

A driver starts when its thing is first heard of and ends when that is gone. One that meets a defect
of ours is logged and started again after a pause; it never takes others with it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Generic, Protocol, TypeVar

from engine.driver import retry_seconds
from engine.errors import TokenExpired, Unreachable, WatchExpired

log = logging.getLogger(__name__)

SWEEP_SECONDS = 300.0
"""Between two looks for capacity that belongs to nobody; all of it costs money."""

R = TypeVar("R")


class Running(Protocol):
    """A driver, whatever it drives."""

    async def run(self) -> None:
        """Returns when what it drives is gone."""
        ...

    def wake(self) -> None: ...


class Subjects(Protocol[R]):
    """All the things of one kind that have machines."""

    async def listed(self) -> tuple[Sequence[R], str]:
        """Those there are, and the revision from which to follow.

        Raises Unreachable, TokenExpired.
        """
        ...

    def changed(self, since: str) -> AsyncIterator[R]:
        """Those that come, change or go after a revision. Raises Unreachable, WatchExpired."""
        ...

    def concerned(self) -> AsyncIterator[R]:
        """Those whose world has changed, without end."""
        ...

    def driver(self, ref: R) -> Running: ...

    async def sweep(self) -> None:
        """Gives back what belongs to none of them. Raises Unreachable, TokenExpired."""
        ...


class Fleet(Generic[R]):
    """Runs until cancelled."""

    def __init__(self, subjects: Subjects[R]) -> None:
        self._subjects = subjects
        self._drivers: dict[R, Running] = {}

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_world(), name="world")
            tasks.create_task(self._follow_subjects(tasks), name="subjects")
            tasks.create_task(self._sweep_for_ever(), name="sweep")

    async def _follow_world(self) -> None:
        async for ref in self._subjects.concerned():
            driver = self._drivers.get(ref)
            if driver is not None:
                driver.wake()

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self._subjects.sweep()
            except (Unreachable, TokenExpired) as error:
                log.warning("inventory: %s; next sweep in %.0f s", error, SWEEP_SECONDS)

    async def _follow_subjects(self, tasks: asyncio.TaskGroup) -> None:
        failures = 0
        while True:
            try:
                refs, revision = await self._subjects.listed()
                for ref in refs:
                    self._adopt(ref, tasks)
                async for ref in self._subjects.changed(revision):
                    failures = 0
                    self._adopt(ref, tasks)
            except (Unreachable, TokenExpired, WatchExpired) as error:
                failures += 1
                pause = retry_seconds(failures)
                log.warning("%s; listing again in %.0f s", error, pause)
                await asyncio.sleep(pause)

    def _adopt(self, ref: R, tasks: asyncio.TaskGroup) -> None:
        driver = self._drivers.get(ref)
        if driver is not None:
            driver.wake()
            return
        driver = self._subjects.driver(ref)
        self._drivers[ref] = driver
        tasks.create_task(self._drive(ref, driver), name=f"drive {ref}")

    async def _drive(self, ref: R, driver: Running) -> None:
        failures = 0
        while True:
            try:
                await driver.run()
            except Exception:
                failures += 1
                log.exception("%s: its driver failed", ref)
                await asyncio.sleep(retry_seconds(failures))
            else:
                break
        del self._drivers[ref]
