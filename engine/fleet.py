"""The drivers of all workspaces: one sequential driver each, in parallel across.

A driver starts when its workspace is first heard of and ends when the workspace is gone. One that
meets a defect of ours is logged and started again after a pause; it never takes others with it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator

from engine.driver import Driver, retry_seconds
from engine.errors import TokenExpired, Unreachable, WatchExpired
from engine.inventory import orphans
from engine.ports import Changed, Clock, Page, Removed, WorkspaceStore, World
from engine.report import Report
from engine.workspace import WorkspaceRef

log = logging.getLogger(__name__)

PAGE_SIZE = 500
SWEEP_SECONDS = 300.0
"""Between two looks for node claims that belong to nobody; each of them costs money."""


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
            tasks.create_task(self._sweep_for_ever(), name="sweep")

    async def _follow_world(self) -> None:
        async for ref in self._world.changes():
            driver = self._drivers.get(ref)
            if driver is not None:
                driver.wake()

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self._sweep()
            except (Unreachable, TokenExpired) as error:
                log.warning("inventory: %s; next sweep in %.0f s", error, SWEEP_SECONDS)

    async def _sweep(self) -> None:
        claims = await self._world.inventory()
        if not claims:
            return
        living = {one.uid async for page in self._pages() for one in page.workspaces}
        for claim in orphans(claims, living):
            log.warning(
                "node claim %s: its workspace (uid %s) is gone; releasing it",
                claim.name,
                claim.workspace_uid,
            )
            await self._world.release(claim)

    async def _follow_workspaces(self, tasks: asyncio.TaskGroup) -> None:
        failures = 0
        while True:
            try:
                revision = await self._adopt_all(tasks)
                async for event in self._store.watch(namespace="", since=revision):
                    failures = 0
                    if isinstance(event, Changed | Removed):
                        self._adopt(event.workspace.ref, tasks)
            except (Unreachable, TokenExpired, WatchExpired) as error:
                failures += 1
                pause = retry_seconds(failures)
                log.warning("workspaces: %s; listing again in %.0f s", error, pause)
                await asyncio.sleep(pause)

    async def _adopt_all(self, tasks: asyncio.TaskGroup) -> str:
        """Lists every workspace; the answer is the revision from which to watch."""
        revision = ""
        async for page in self._pages():
            for workspace in page.workspaces:
                self._adopt(workspace.ref, tasks)
            revision = revision or page.revision
        return revision

    async def _pages(self) -> AsyncIterator[Page]:
        token = ""
        while True:
            page = await self._store.list(namespace="", page_size=PAGE_SIZE, token=token)
            yield page
            token = page.next_token
            if not token:
                return

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
