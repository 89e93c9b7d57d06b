"""Watch streams: the store's changes as one client sees them, resumable.

A stream begins with a snapshot (or after a cursor) and follows the store from that very revision,
so nothing falls in between. The cursor is the store's own revision, sealed: any replica can resume
it, also after a restart, for as long as the store remembers.

The store is read into a bounded backlog, and no further while that is full. A client that then
takes nothing for a while loses what waits there, and is told so at its next read, with the cursor
of the last message it was sent: what it costs is bounded, and no other stream notices. One that is
slow and steady is served for as long as the store remembers.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta

from api.backlog import Backlog
from api.convert.messages import workspace_message
from api.errors import Draining, SlowReader, WatchEnded
from api.listing import Selection
from api.opaque_token import seal
from api.v1 import workspace_service_pb2 as service
from engine.errors import TokenExpired, Unreachable, WatchExpired
from engine.ports import Changed, Progressed, Removed, StoreEvent, WorkspaceStore

Stream = AsyncGenerator[service.WatchWorkspacesResponse, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchLimits:
    """A quiet stream is checkpointed every ``checkpoint_interval``.

    ``backlog`` counts messages; a reader may stand still before a full one for
    ``reader_patience``.
    """

    backlog: int = 1024
    reader_patience: timedelta = timedelta(seconds=30)
    checkpoint_interval: timedelta = timedelta(seconds=15)
    snapshot_page: int = 500


class Watches:
    """All open watch streams of a server."""

    def __init__(self, store: WorkspaceStore, *, limits: WatchLimits) -> None:
        self._store = store
        self._limits = limits
        self._open: set[Backlog] = set()
        self._draining = False

    def drain(self) -> None:
        """Ends every stream, and every later one, with Draining and its cursor."""
        self._draining = True
        for backlog in self._open:
            backlog.end(Draining())

    async def stream(self, selection: Selection, *, since: str) -> Stream:
        """The changes after revision ``since``; "" begins with a snapshot. Raises WatchEnded."""
        backlog = self._backlog()
        if self._draining:
            backlog.end(Draining())
        self._open.add(backlog)
        messages = _Messages(selection, since)
        try:
            if not since:
                async with aclosing(self._snapshot(messages, backlog)) as snapshot:
                    async for message in snapshot:
                        yield message
            async with aclosing(self._follow(messages, backlog)) as changes:
                async for message in changes:
                    yield message
        except TokenExpired as error:
            raise WatchExpired from error
        except (Unreachable, SlowReader, Draining) as error:
            raise WatchEnded(error, cursor=messages.cursor) from error
        finally:
            self._open.discard(backlog)

    def _backlog(self) -> Backlog:
        patience_seconds = self._limits.reader_patience.total_seconds()
        return Backlog(bound=self._limits.backlog, patience_seconds=patience_seconds)

    async def _snapshot(self, messages: "_Messages", backlog: Backlog) -> Stream:
        selection, token = messages.selection, ""
        while True:
            backlog.check()
            page = await self._store.list(
                namespace=selection.namespace,
                page_size=self._limits.snapshot_page,
                token=token,
                labels=selection.labels,
            )
            for workspace in page.workspaces:
                backlog.check()
                yield service.WatchWorkspacesResponse(changed=workspace_message(workspace))
            token = page.next_token
            if not token:
                break
        messages.revision = page.revision
        yield messages.synced()

    async def _follow(self, messages: "_Messages", backlog: Backlog) -> Stream:
        quiet_seconds = self._limits.checkpoint_interval.total_seconds()
        reading = asyncio.create_task(self._read(messages.selection, messages.revision, backlog))
        try:
            while True:
                yield messages.of(await backlog.get(within_seconds=quiet_seconds))
        finally:
            reading.cancel()
            await asyncio.wait({reading})

    async def _read(self, selection: Selection, since: str, backlog: Backlog) -> None:
        """Its own failure, too, is the reader's next message."""
        events = self._store.watch(
            namespace=selection.namespace, since=since, labels=selection.labels
        )
        try:
            async for event in events:
                await backlog.put(event)
                if backlog.ended:
                    return
        except Exception as error:  # noqa: BLE001 — raised again by the stream
            backlog.end(error)
        else:
            backlog.end(Unreachable("the store ended the watch"))


class _Messages:
    """The messages of one stream, each with the cursor after it."""

    def __init__(self, selection: Selection, revision: str) -> None:
        self.selection = selection
        self.revision = revision

    @property
    def cursor(self) -> str:
        if not self.revision:
            return ""
        return seal(self.revision, bound_to=self.selection.cursor_binding)

    def synced(self) -> service.WatchWorkspacesResponse:
        return service.WatchWorkspacesResponse(
            cursor=self.cursor, synced=service.WatchWorkspacesResponse.Synced()
        )

    def of(self, event: StoreEvent | None) -> service.WatchWorkspacesResponse:
        """None stands for nothing having happened for a while."""
        if event is not None:
            self.revision = event.revision
        match event:
            case Changed(workspace=workspace):
                return service.WatchWorkspacesResponse(
                    cursor=self.cursor, changed=workspace_message(workspace)
                )
            case Removed(workspace=workspace):
                return service.WatchWorkspacesResponse(
                    cursor=self.cursor, removed=workspace_message(workspace)
                )
            case Progressed() | None:
                return service.WatchWorkspacesResponse(
                    cursor=self.cursor, checkpoint=service.WatchWorkspacesResponse.Checkpoint()
                )
