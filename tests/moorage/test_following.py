"""Watch streams across interruptions, on a real server."""

import asyncio
import itertools
from contextlib import aclosing
from datetime import timedelta

import pytest

from api.server import GrpcServer, ServerOptions
from api.v1 import workspace_pb2 as pb
from api.v1 import workspace_service_pb2 as service
from engine.ports import NewWorkspace
from engine.presets import PRESETS
from engine.workspace import Inference, PresetChoice, Resource, WorkspaceRef, WorkspaceSpec
from moorage.client import connected
from moorage.following import Picture, Subject, follow
from tests.api.memory_store import MemoryWorkspaces
from tests.moorage.conftest import WallClock

SPEC = WorkspaceSpec(
    resource=Resource(instance_type="local-cpu"),
    inference=Inference(preset=PresetChoice(name=next(iter(PRESETS)))),
)
ALL = Subject(namespace="default")


def _changed(name: str, cursor: str = "") -> service.WatchWorkspacesResponse:
    workspace = pb.Workspace(name=f"namespaces/default/workspaces/{name}")
    return service.WatchWorkspacesResponse(cursor=cursor, changed=workspace)


def _synced(cursor: str) -> service.WatchWorkspacesResponse:
    return service.WatchWorkspacesResponse(
        cursor=cursor, synced=service.WatchWorkspacesResponse.Synced()
    )


def test_a_picture_is_complete_when_the_snapshot_is():
    picture = Picture().after(_changed("a"), ALL)
    assert not picture.complete
    picture = picture.after(_synced("1"), ALL)
    assert (picture.complete, picture.cursor) == (True, "1")


def test_half_a_snapshot_is_begun_again():
    assert Picture().after(_changed("a"), ALL).resumable() == Picture()


def test_news_of_others_moves_only_the_cursor():
    one = Subject(namespace="default", name="a")
    picture = Picture().after(_synced("1"), one).after(_changed("b", "2"), one)
    assert (dict(picture.workspaces), picture.cursor) == ({}, "2")


async def _add(store: MemoryWorkspaces, name: str) -> None:
    ref = WorkspaceRef(namespace="default", name=name)
    await store.create(NewWorkspace(ref=ref, spec=SPEC, labels={}, annotations={}))


def _server(store: MemoryWorkspaces, address: str = "127.0.0.1:0") -> GrpcServer:
    numbers = itertools.count()
    options = ServerOptions(address=address, grace=timedelta(seconds=1))
    return GrpcServer(
        store, clock=WallClock(), new_id=lambda: f"id-{next(numbers)}", options=options
    )


def _names(picture: Picture) -> list[str]:
    return [name.rpartition("/")[2] for name in picture.workspaces]


@pytest.mark.parametrize("forgotten", [False, True], ids=["from the cursor", "from the start"])
async def test_following_goes_on_when_the_server_comes_back(forgotten):
    store = MemoryWorkspaces(WallClock())
    await _add(store, "a")
    server = _server(store)
    address = await server.start()
    async with connected(address) as client, aclosing(follow(client, ALL)) as news:
        assert _names(await anext(news)) == ["a"]
        await server.stop()
        await _add(store, "b")
        if forgotten:
            store.compact()
        again = _server(store, address)
        await again.start()
        async with asyncio.timeout(10):
            while _names(picture := await anext(news)) != ["a", "b"]:
                pass
        assert picture.complete
        await again.stop()
