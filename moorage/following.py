"""Follows workspaces through Watch, across every interruption that can be resumed.

What is known at one instant is a value (``Picture``); messages of the stream lead from one to the
next, without I/O. A stream that ends is resumed from its cursor, or begun again where the server no
longer remembers it; only a server that stays away for long is a failure.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field, replace

import grpc

from api.names import ANY_NAMESPACE
from api.v1 import workspace_pb2 as pb
from api.v1 import workspace_service_pb2 as service
from moorage.client import Client

RESUME_DELAYS_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Between attempts that all failed; a message begins them anew."""

_RESUMABLE = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.OUT_OF_RANGE,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is followed; ``name`` "" means every workspace of the parent."""

    namespace: str = ANY_NAMESPACE
    name: str = ""
    labels: str = ""

    @property
    def parent(self) -> str:
        return f"namespaces/{self.namespace}"

    def includes(self, workspace: pb.Workspace) -> bool:
        return not self.name or workspace.name == f"{self.parent}/workspaces/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The workspaces as last heard of, by name; ``changed`` or ``removed`` is the latest news.

    ``complete`` once the snapshot is: until then, what is missing may exist.
    """

    workspaces: Mapping[str, pb.Workspace] = field(default_factory=dict)
    cursor: str = ""
    complete: bool = False
    changed: pb.Workspace | None = None
    removed: pb.Workspace | None = None

    def after(self, message: service.WatchWorkspacesResponse, subject: Subject) -> "Picture":
        """The picture with one message taken in; news of others moves only the cursor."""
        here = replace(self, cursor=message.cursor or self.cursor, changed=None, removed=None)
        match message.WhichOneof("event"):
            case "changed" if subject.includes(message.changed):
                known = {**self.workspaces, message.changed.name: message.changed}
                return replace(here, workspaces=known, changed=message.changed)
            case "removed" if subject.includes(message.removed):
                gone = message.removed.name
                rest = {name: one for name, one in self.workspaces.items() if name != gone}
                return replace(here, workspaces=rest, removed=message.removed)
            case "synced":
                return replace(here, complete=True)
            case _:
                return here

    def resumable(self) -> "Picture":
        """Half a snapshot is of no use: it has no cursor."""
        return self if self.complete else Picture()


async def follow(client: Client, subject: Subject) -> AsyncGenerator[Picture, None]:
    """A picture when the snapshot is complete, then one for each message, without end.

    A quiet stream still brings one every 15 seconds. Raises grpc.aio.AioRpcError where the stream
    cannot be resumed.
    """
    picture = Picture()
    delays = iter(RESUME_DELAYS_SECONDS)
    while True:
        try:
            async for message in client.watch(_request(subject, picture)):
                delays = iter(RESUME_DELAYS_SECONDS)
                picture = picture.after(message, subject)
                if picture.complete:
                    yield picture
        except grpc.aio.AioRpcError as error:
            delay = next(delays, None)
            if delay is None or error.code() not in _RESUMABLE:
                raise
            forgotten = error.code() is grpc.StatusCode.OUT_OF_RANGE
            picture = Picture() if forgotten else picture.resumable()
            await asyncio.sleep(delay)


def _request(subject: Subject, picture: Picture) -> service.WatchWorkspacesRequest:
    return service.WatchWorkspacesRequest(
        parent=subject.parent,
        label_selector=subject.labels,
        cursor=picture.cursor,
    )
