"""The drivers of all workspaces: one sequential driver each, in parallel across.

A driver starts when its workspace is first heard of and ends when the workspace is gone. One that
meets a defect of ours is logged and started again after a pause; it never takes others with it.
"""

import asyncio
import logging

from engine.driver import Driver, retry_seconds
from engine.errors import Unreachable, WatchExpired
from engine.ports import Changed, Clock, Removed, WorkspaceStore, World
from engine.report import Report
from engine.workspace import WorkspaceRef

log = logging.getLogger(__name__)

PAGE_SIZE = 500


class Fleet:
    """Runs until cancelled."""

    def __init__(
        self, *, store: WorkspaceStore, world: World, clock: Clock, report: Report
    ) -> None:
        self._store = store
        self._world = world
        self._clock = clock
        self._report = report
        self._drivers: dict[WorkspaceRef, Driver] = {}

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow_world(), name="world")
            tasks.create_task(self._follow_workspaces(tasks), name="workspaces")

    async def _follow_world(self) -> None:
        async for ref in self._world.changes():
            driver = self._drivers.get(ref)
            if driver is not None:
                driver.wake()

    async def _follow_workspaces(self, tasks: asyncio.TaskGroup) -> None:
        failures = 0
        while True:
            try:
                revision = await self._adopt_all(tasks)
                failures = 0
                async for event in self._store.watch(namespace="", since=revision):
                    if isinstance(event, Changed | Removed):
                        self._adopt(event.workspace.ref, tasks)
            except WatchExpired:
                continue
            except Unreachable as error:
                failures += 1
                pause = retry_seconds(failures)
                log.warning("workspaces: %s; listing again in %.0f s", error, pause)
                await asyncio.sleep(pause)

    async def _adopt_all(self, tasks: asyncio.TaskGroup) -> str:
        """Lists every workspace; the answer is the revision from which to watch."""
        token, revision = "", ""
        while True:
            page = await self._store.list(namespace="", page_size=PAGE_SIZE, token=token)
            for workspace in page.workspaces:
                self._adopt(workspace.ref, tasks)
            revision = revision or page.revision
            token = page.next_token
            if not token:
                return revision

    def _adopt(self, ref: WorkspaceRef, tasks: asyncio.TaskGroup) -> None:
        driver = self._drivers.get(ref)
        if driver is not None:
            driver.wake()
            return
        driver = Driver(
            ref, store=self._store, world=self._world, clock=self._clock, report=self._report
        )
        self._drivers[ref] = driver
        tasks.create_task(self._drive(driver), name=f"workspace {ref}")

    async def _drive(self, driver: Driver) -> None:
        failures = 0
        while True:
            try:
                await driver.run()
            except Exception:
                failures += 1
                log.exception("workspace %s: its driver failed", driver.ref)
                await asyncio.sleep(retry_seconds(failures))
            else:
                break
        del self._drivers[driver.ref]
