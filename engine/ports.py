"""What the engine asks of the outside; the adapters implement these.

Calls raise only the errors of ``engine.errors``.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from engine.action import Action
from engine.observation import Holding, Observation
from engine.workspace import Workspace, WorkspaceRef, WorkspaceSpec


class Clock(Protocol):
    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWorkspace:
    ref: WorkspaceRef
    spec: WorkspaceSpec
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some of the workspaces, and the token of the rest ("" at the end).

    ``revision`` is the instant of the store at which the list was true; a watch may start there.
    """

    workspaces: Sequence[Workspace]
    next_token: str
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A workspace was created or changed; ``revision`` is the place in the store's history."""

    workspace: Workspace
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    workspace: Workspace
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed:
    """Nothing changed up to ``revision``: a resumed watch may start there."""

    revision: str


StoreEvent = Changed | Removed | Progressed


class WorkspaceStore(Protocol):
    """The workspaces, kept by Kubernetes; ``resource_version`` is the etag."""

    async def create(self, new: NewWorkspace, *, dry_run: bool = False) -> Workspace:
        """Raises AlreadyExists, Refused (with field violations), Unreachable."""
        ...

    async def get(self, ref: WorkspaceRef) -> Workspace:
        """Raises NotFound, Unreachable."""
        ...

    async def list(
        self, *, namespace: str, page_size: int, token: str = "", labels: str = ""
    ) -> Page:
        """``namespace`` "" lists all; ``labels`` is a label selector. Raises TokenExpired."""
        ...

    async def update(self, workspace: Workspace) -> Workspace:
        """Writes spec, labels and annotations if ``resource_version`` is still current.

        Raises Stale, NotFound, Refused, Unreachable.
        """
        ...

    async def delete(self, ref: WorkspaceRef, *, resource_version: str = "") -> Workspace | None:
        """The workspace as it is while it is being deleted; None where it is gone at once.

        Raises NotFound, Stale, Unreachable.
        """
        ...

    async def save(self, workspace: Workspace) -> Workspace:
        """Writes the machine state (the status). Raises Stale, NotFound, Unreachable."""
        ...

    def watch(self, *, namespace: str, since: str, labels: str = "") -> AsyncIterator[StoreEvent]:
        """Changes after revision ``since``, in order, without end.

        Raises WatchExpired where the store no longer remembers ``since``, and Unreachable.
        """
        ...


class World(Protocol):
    """All that a workspace owns in the cluster."""

    async def observe(self, workspace: Workspace) -> Observation: ...

    async def perform(self, workspace: Workspace, action: Action) -> None:
        """Idempotent: performing it twice is performing it once. Raises ActionFailed."""
        ...

    async def inventory(self) -> Sequence[Holding]:
        """Every node claim that we ever made, and every node that we marked, still there.

        Raises Unreachable.
        """
        ...

    async def release(self, holding: Holding) -> None:
        """Gives back what belongs to nobody. Raises Unreachable."""
        ...

    def changes(self) -> AsyncIterator[WorkspaceRef]:
        """The workspaces of which something in the cluster has changed, without end."""
        ...
