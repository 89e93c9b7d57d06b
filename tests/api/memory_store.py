"""A workspace store in memory that keeps the contract of ``engine.ports.WorkspaceStore``.

Label selectors are evaluated for equality only (``a=b,c=d``).
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from engine.errors import AlreadyExists, NotFound, Stale, TokenExpired, WatchExpired
from engine.nodes.explanation import NodeClaimExplanation
from engine.ports import Changed, Clock, NewWorkspace, Page, Removed, StoreEvent
from engine.workspace import MachineState, Workspace, WorkspaceRef


@dataclass(frozen=True, slots=True, kw_only=True)
class _Commit:
    revision: int
    before: Workspace | None
    after: Workspace | None


class MemoryNodeClaims:
    """Keeps the contract of ``engine.nodes.ports.NodeClaimReader``; a test says what there is."""

    def __init__(self) -> None:
        self.claims: dict[WorkspaceRef, list[NodeClaimExplanation]] = {}

    async def of_workspace(self, workspace: Workspace, /) -> Sequence[NodeClaimExplanation]:
        return sorted(self.claims.get(workspace.ref, ()), key=lambda claim: claim.name)


class MemoryWorkspaces:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._revision = 100
        self._compacted = 100
        self._workspaces: dict[WorkspaceRef, Workspace] = {}
        self._commits: list[_Commit] = []
        self._lists: dict[str, tuple[list[Workspace], str]] = {}
        self._committed = asyncio.Condition()

    async def create(self, new: NewWorkspace, *, dry_run: bool = False) -> Workspace:
        if new.ref in self._workspaces:
            raise AlreadyExists(str(new.ref))
        now = self._clock.now()
        workspace = Workspace(
            ref=new.ref,
            uid=f"uid-{self._revision}",
            resource_version="",
            generation=1,
            created=now,
            spec=new.spec,
            machine=MachineState(since=now),
            labels=new.labels,
            annotations=new.annotations,
        )
        return workspace if dry_run else await self._commit(None, workspace)

    async def get(self, ref: WorkspaceRef) -> Workspace:
        if ref not in self._workspaces:
            raise NotFound(str(ref))
        return self._workspaces[ref]

    async def list(
        self, *, namespace: str, page_size: int, token: str = "", labels: str = ""
    ) -> Page:
        if token:
            if token not in self._lists:
                raise TokenExpired(token)
            found, revision = self._lists[token]
        else:
            revision = str(self._revision)
            found = [w for w in self._sorted() if _selected(w, namespace, labels)]
        page, rest = found[:page_size], found[page_size:]
        next_token = f"{revision}/{page[-1].ref}" if rest else ""
        if rest:
            self._lists[next_token] = (rest, revision)
        return Page(workspaces=page, next_token=next_token, revision=revision)

    async def update(self, workspace: Workspace) -> Workspace:
        stored = await self._current(workspace.ref, workspace.resource_version)
        same = stored.spec == workspace.spec
        return await self._commit(
            stored,
            replace(
                stored,
                spec=workspace.spec,
                labels=workspace.labels,
                annotations=workspace.annotations,
                generation=stored.generation + (0 if same else 1),
            ),
        )

    async def delete(self, ref: WorkspaceRef, *, resource_version: str = "") -> Workspace | None:
        stored = await self._current(ref, resource_version)
        if not stored.finalizer_held:
            await self._commit(stored, None)
            return None
        if stored.deletion_requested is not None:
            return stored
        return await self._commit(stored, replace(stored, deletion_requested=self._clock.now()))

    async def save(self, workspace: Workspace) -> Workspace:
        stored = await self._current(workspace.ref, workspace.resource_version)
        return await self._commit(stored, replace(stored, machine=workspace.machine))

    async def watch(
        self, *, namespace: str, since: str, labels: str = ""
    ) -> AsyncIterator[StoreEvent]:
        seen = int(since)
        while True:
            if seen < self._compacted:
                raise WatchExpired(since)
            for commit in [c for c in self._commits if c.revision > seen]:
                seen = commit.revision
                event = _event(commit, namespace, labels)
                if event is not None:
                    yield event
            async with self._committed:
                await self._committed.wait_for(lambda: self._revision > seen)  # noqa: B023

    # ---- what others do to the world

    def add_namespace(self, name: str) -> None:
        """Here every namespace exists."""

    async def hold_finalizer(self, ref: WorkspaceRef) -> None:
        stored = await self.get(ref)
        await self._commit(stored, replace(stored, finalizer_held=True))

    def compact(self) -> None:
        """Forgets all history and every unfinished list."""
        self._compacted = self._revision
        self._commits.clear()
        self._lists.clear()

    # ----

    async def _current(self, ref: WorkspaceRef, resource_version: str) -> Workspace:
        stored = await self.get(ref)
        if resource_version and stored.resource_version != resource_version:
            raise Stale(str(ref))
        return stored

    async def _commit(self, before: Workspace | None, after: Workspace | None) -> Workspace:
        self._revision += 1
        if after is not None:
            after = replace(after, resource_version=str(self._revision))
            self._workspaces[after.ref] = after
        elif before is not None:
            del self._workspaces[before.ref]
        self._commits.append(_Commit(revision=self._revision, before=before, after=after))
        async with self._committed:
            self._committed.notify_all()
        known = after or before
        assert known is not None
        return known

    def _sorted(self) -> Iterable[Workspace]:
        return [self._workspaces[ref] for ref in sorted(self._workspaces)]


def _selected(workspace: Workspace | None, namespace: str, labels: str) -> bool:
    if workspace is None:
        return False
    wanted = dict(part.split("=") for part in labels.split(",") if part)
    return namespace in ("", workspace.ref.namespace) and wanted.items() <= workspace.labels.items()


def _event(commit: _Commit, namespace: str, labels: str) -> StoreEvent | None:
    revision = str(commit.revision)
    if commit.after is not None and _selected(commit.after, namespace, labels):
        return Changed(workspace=commit.after, revision=revision)
    if commit.before is not None and _selected(commit.before, namespace, labels):
        return Removed(workspace=commit.after or commit.before, revision=revision)
    return None


class SteppingClock:
    """A clock that stands still until it is told."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def now(self) -> datetime:
        return self.instant
