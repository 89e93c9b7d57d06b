"""All workspaces, as a fleet of drivers sees them."""

import logging
from collections.abc import AsyncIterator, Sequence

from engine.action import Action
from engine.driver import Driver
from engine.inventory import orphans
from engine.observation import Observation
from engine.ports import Changed, Clock, Page, Removed, WorkspaceStore, World
from engine.report import Report
from engine.step import turn
from engine.workspace import Workspace, WorkspaceRef

log = logging.getLogger(__name__)

PAGE_SIZE = 500

WorkspaceDriver = Driver[WorkspaceRef, Workspace, Observation, Action]


class Workspaces:
    """Implements ``engine.fleet.Subjects``."""

    def __init__(
        self, *, store: WorkspaceStore, world: World, clock: Clock, report: Report[Workspace]
    ) -> None:
        self._store = store
        self._world = world
        self._clock = clock
        self._report = report

    def driver(self, ref: WorkspaceRef) -> WorkspaceDriver:
        return Driver(
            ref,
            step=turn,
            store=self._store,
            world=self._world,
            clock=self._clock,
            report=self._report,
        )

    async def listed(self) -> tuple[Sequence[WorkspaceRef], str]:
        """The revision is the first page's: a watch from there misses nothing."""
        refs: list[WorkspaceRef] = []
        revision = ""
        async for page in self._pages():
            refs += (workspace.ref for workspace in page.workspaces)
            revision = revision or page.revision
        return refs, revision

    async def changed(self, since: str) -> AsyncIterator[WorkspaceRef]:
        async for event in self._store.watch(namespace="", since=since):
            if isinstance(event, Changed | Removed):
                yield event.workspace.ref

    def concerned(self) -> AsyncIterator[WorkspaceRef]:
        return self._world.changes()

    async def sweep(self) -> None:
        holdings = await self._world.inventory()
        if not holdings:
            return
        living = {one.uid async for page in self._pages() for one in page.workspaces}
        for left in orphans(holdings, living):
            log.warning(
                "%s %s: its workspace (uid %s) is gone; releasing it",
                left.kind,
                left.name,
                left.workspace_uid,
            )
            await self._world.release(left)

    async def _pages(self) -> AsyncIterator[Page]:
        token = ""
        while True:
            page = await self._store.list(namespace="", page_size=PAGE_SIZE, token=token)
            yield page
            token = page.next_token
            if not token:
                return
