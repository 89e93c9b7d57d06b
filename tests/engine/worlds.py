"""Small, whole worlds for the driver: they keep the ports' contracts, in memory."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from engine.action import Action
from engine.errors import ActionFailed, NotFound, Stale
from engine.observation import Holding, Observation, Setback
from engine.ports import Changed, NewWorkspace, Page, StoreEvent
from engine.workspace import Passage, Workspace, WorkspaceRef
from tests.engine.scenes import NOW


class StillClock:
    """Time passes only where a test says so."""

    def __init__(self) -> None:
        self.instant = NOW

    def now(self) -> datetime:
        return self.instant


@dataclass
class Diary:
    """What was saved, done and told, in order."""

    entries: list[str] = field(default_factory=list)

    def note(self, entry: str) -> None:
        self.entries.append(entry)


class OneStore:
    """Holds any number of workspaces; versions count up with each write."""

    def __init__(self, diary: Diary, *workspaces: Workspace) -> None:
        self.held = {workspace.ref: workspace for workspace in workspaces}
        self._diary = diary
        self._events: asyncio.Queue[StoreEvent] = asyncio.Queue()

    async def get(self, ref: WorkspaceRef) -> Workspace:
        if ref not in self.held:
            raise NotFound(str(ref))
        return self.held[ref]

    async def save(self, workspace: Workspace) -> Workspace:
        held = await self.get(workspace.ref)
        if held.resource_version != workspace.resource_version:
            raise Stale(str(workspace.ref))
        self._diary.note(f"save {workspace.machine.phase}")
        return self.put(workspace)

    def put(self, workspace: Workspace) -> Workspace:
        """As another writer would; watchers hear of it."""
        version = str(int(workspace.resource_version) + 1)
        self.held[workspace.ref] = replace(workspace, resource_version=version)
        self._events.put_nowait(Changed(workspace=self.held[workspace.ref], revision=version))
        return self.held[workspace.ref]

    def drop(self, ref: WorkspaceRef) -> None:
        del self.held[ref]

    async def list(
        self, *, namespace: str, page_size: int, token: str = "", labels: str = ""
    ) -> Page:
        return Page(workspaces=list(self.held.values()), next_token="", revision="1")

    async def watch(
        self, *, namespace: str, since: str, labels: str = ""
    ) -> AsyncIterator[StoreEvent]:
        while True:
            yield await self._events.get()

    async def create(self, new: NewWorkspace, *, dry_run: bool = False) -> Workspace:
        raise NotImplementedError

    async def update(self, workspace: Workspace) -> Workspace:
        raise NotImplementedError

    async def delete(self, ref: WorkspaceRef, *, resource_version: str = "") -> Workspace | None:
        raise NotImplementedError


class ScriptedWorld:
    """Shows what it is given, and notes what is asked of it; an action named here fails."""

    def __init__(self, diary: Diary, seen: Observation) -> None:
        self.seen = seen
        self.failing: set[str] = set()
        self.claims: list[Holding] = []
        self.released: set[str] = set()
        self._diary = diary
        self._changes: asyncio.Queue[WorkspaceRef] = asyncio.Queue()

    async def observe(self, workspace: Workspace) -> Observation:
        return self.seen

    async def perform(self, workspace: Workspace, action: Action) -> None:
        name = type(action).__name__
        self._diary.note(f"do {name}")
        if name in self.failing:
            raise ActionFailed("not allowed", code="Forbidden")

    async def inventory(self) -> Sequence[Holding]:
        return self.claims

    async def release(self, holding: Holding) -> None:
        self.released.add(holding.name)

    def show(self, ref: WorkspaceRef, seen: Observation) -> None:
        self.seen = seen
        self._changes.put_nowait(ref)

    async def changes(self) -> AsyncIterator[WorkspaceRef]:
        while True:
            yield await self._changes.get()


class Told:
    """A report that keeps what it is told."""

    def __init__(self) -> None:
        self.passages: list[Passage] = []
        self.setbacks: list[Setback] = []

    async def passed(self, workspace: Workspace) -> None:
        self.passages.append(workspace.machine.history[-1])

    async def set_back(self, workspace: Workspace, setback: Setback) -> None:
        self.setbacks.append(setback)
