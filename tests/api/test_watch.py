"""Watch streams, through gRPC."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import grpc
import pytest
from google.rpc import error_details_pb2

from api.errors import Draining, WatchEnded
from api.listing import Selection
from api.v1 import workspace_service_pb2 as service
from api.watch import Watches, WatchLimits
from engine.errors import Unreachable
from engine.phase import Phase
from tests.api.conftest import QUICK, serving
from tests.api.requests import (
    PARENT,
    bring_to,
    creation,
    eventually,
    failure,
    failure_of,
    full_name,
    read_out,
    ref,
    wanted,
)

Response = service.WatchWorkspacesResponse


@pytest.fixture
def store(either_store):
    return either_store


def _request(**fields) -> service.WatchWorkspacesRequest:
    return service.WatchWorkspacesRequest(**{"parent": PARENT, **fields})


def _kind(response: Response) -> str:
    return response.WhichOneof("event") or ""


async def _until(stream: AsyncIterator[Response], kind: str) -> list[Response]:
    """The messages up to and including the first of that kind; checkpoints are left out."""
    seen = []
    async with asyncio.timeout(10):
        async for response in stream:
            if kind == "checkpoint" or _kind(response) != "checkpoint":
                seen.append(response)
            if _kind(response) == kind:
                return seen
    pytest.fail(f"the stream ended without {kind}")


def _told(responses: list[Response]) -> list[tuple[str, str]]:
    return [
        (_kind(r), getattr(r, _kind(r)).name.rpartition("/")[2])
        for r in responses
        if _kind(r) in ("changed", "removed")
    ]


async def test_a_stream_begins_with_a_snapshot_that_a_synced_closes(stub):
    for name in "abcde":
        await stub.CreateWorkspace(creation(name))
    snapshot = await _until(stub.WatchWorkspaces(_request()), "synced")
    assert _told(snapshot) == [("changed", name) for name in "abcde"]
    assert [bool(r.cursor) for r in snapshot] == [False] * 5 + [True]


async def test_changes_follow_the_snapshot_in_order(stub, store):
    stream = stub.WatchWorkspaces(_request())
    await _until(stream, "synced")
    await stub.CreateWorkspace(creation())
    await bring_to(store, ref(), Phase.READY)
    await stub.DeleteWorkspace(service.DeleteWorkspaceRequest(name=full_name()))
    seen = await _until(stream, "removed")
    assert _told(seen) == [("changed", "demo"), ("changed", "demo"), ("removed", "demo")]
    assert [r.changed.phase for r in seen[:2]] == ["Pending", "Ready"]
    assert len({r.cursor for r in seen}) == 3


async def test_nothing_between_snapshot_and_changes_is_missed(stub, store):
    """What happens while the snapshot is under way follows it."""
    for name in "abc":
        await stub.CreateWorkspace(creation(name))
    stream = stub.WatchWorkspaces(_request())
    await _until(stream, "changed")
    await bring_to(store, ref("a"), Phase.READY)
    await _until(stream, "synced")
    assert (await _until(stream, "changed"))[0].changed.phase == "Ready"


async def test_a_cursor_resumes_after_the_message_that_carried_it(served, stub):
    stream = stub.WatchWorkspaces(_request())
    await _until(stream, "synced")
    await stub.CreateWorkspace(creation("a"))
    cursor = (await _until(stream, "changed"))[-1].cursor
    stream.cancel()
    await stub.CreateWorkspace(creation("b"))
    await stub.CreateWorkspace(creation("c"))
    resumed = stub.WatchWorkspaces(_request(cursor=cursor))
    assert _told(await _until(resumed, "changed")) == [("changed", "b")]
    assert _told(await _until(resumed, "changed")) == [("changed", "c")]


async def test_a_cursor_is_good_on_another_server(store, clock):
    async with serving(store, clock) as first:
        cursor = (await _until(first.workspaces.WatchWorkspaces(_request()), "synced"))[-1].cursor
    async with serving(store, clock) as second:
        await second.workspaces.CreateWorkspace(creation("a"))
        resumed = second.workspaces.WatchWorkspaces(_request(cursor=cursor))
        assert _told(await _until(resumed, "changed")) == [("changed", "a")]


async def test_a_watch_selects_and_tells_what_no_longer_matches(stub, store):
    store.add_namespace("other")
    await stub.CreateWorkspace(creation("other", parent="namespaces/other"))
    stream = stub.WatchWorkspaces(_request(label_selector="x=1"))
    await _until(stream, "synced")
    await stub.CreateWorkspace(creation("b"))
    made = await stub.CreateWorkspace(creation("a", workspace=wanted(labels={"x": "1"})))
    made.workspace.labels["x"] = "2"
    await stub.UpdateWorkspace(service.UpdateWorkspaceRequest(workspace=made.workspace))
    assert _told(await _until(stream, "removed")) == [("changed", "a"), ("removed", "a")]


async def test_a_quiet_stream_carries_checkpoints_from_which_one_can_resume(stub):
    stream = stub.WatchWorkspaces(_request())
    await _until(stream, "synced")
    checkpoint = (await _until(stream, "checkpoint"))[-1]
    await stub.CreateWorkspace(creation("a"))
    resumed = stub.WatchWorkspaces(_request(cursor=checkpoint.cursor))
    assert _told(await _until(resumed, "changed")) == [("changed", "a")]


async def test_a_cursor_that_the_store_forgot_is_out_of_range(stub, store):
    cursor = (await _until(stub.WatchWorkspaces(_request()), "synced"))[-1].cursor
    await stub.CreateWorkspace(creation("a"))
    store.compact()
    failed = await failure(stub.WatchWorkspaces(_request(cursor=cursor)))
    assert (failed.code, failed.reason) == (grpc.StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED")


async def test_a_cursor_is_good_for_its_own_watch_only(stub):
    cursor = (await _until(stub.WatchWorkspaces(_request()), "synced"))[-1].cursor
    for request in (
        _request(cursor=cursor, parent="namespaces/-"),
        _request(cursor=cursor, label_selector="a=b"),
        _request(cursor=cursor + "A"),
    ):
        failed = await failure(stub.WatchWorkspaces(request))
        assert (failed.code, failed.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["cursor"])


async def test_a_snapshot_whose_list_expires_begins_anew(stub, store):
    """No cursor was given out yet, so there is nothing to resume."""
    for number in range(200):
        await stub.CreateWorkspace(creation(f"w-{number}"))
    list_page = store.list

    async def expiring(**fields):
        page = await list_page(**fields)
        store.compact()
        return page

    store.list = expiring
    failed = await failure(stub.WatchWorkspaces(_request()))
    assert (failed.code, failed.reason) == (grpc.StatusCode.OUT_OF_RANGE, "CURSOR_EXPIRED")


async def test_a_slow_reader_is_ended_with_the_cursor_from_which_to_resume(store, clock):
    limits = WatchLimits(backlog=20, reader_patience=timedelta(milliseconds=200))
    async with serving(store, clock, replace(QUICK, watch_limits=limits)) as served:
        stub = served.workspaces
        stream = stub.WatchWorkspaces(_request())
        await _until(stream, "synced")
        bulky = wanted(annotations={"bulk": "x" * 200_000})
        names = [f"w-{number}" for number in range(60)]
        for name in names:  # more than the transport's own buffers hold, and nobody reads
            await stub.CreateWorkspace(creation(name, workspace=bulky))
        open_streams = served.server._watches._open
        await eventually(lambda: any(backlog.ended for backlog in open_streams))
        seen: list[Response] = []
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await read_out(stream, into=seen)
        failed = failure_of(caught.value)
        assert (failed.code, failed.reason) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "SLOW_READER",
        )
        assert failed.info.metadata["behind"] == "20"
        cursor = failed.info.metadata["cursor"]
        assert cursor == seen[-1].cursor
        resumed = stub.WatchWorkspaces(_request(cursor=cursor))
        while len(seen) < len(names):
            seen += await _until(resumed, "changed")
        assert _told(seen) == [("changed", name) for name in names]


async def test_a_reader_far_behind_is_held_back_not_ended(store, clock):
    limits = WatchLimits(backlog=2, reader_patience=timedelta(seconds=60))
    async with serving(store, clock, replace(QUICK, watch_limits=limits)) as served:
        stub = served.workspaces
        cursor = (await _until(stub.WatchWorkspaces(_request()), "synced"))[-1].cursor
        names = [f"w-{number}" for number in range(50)]
        for name in names:
            await stub.CreateWorkspace(creation(name))
        resumed = stub.WatchWorkspaces(_request(cursor=cursor))
        seen: list[Response] = []
        while len(seen) < len(names):
            seen += await _until(resumed, "changed")
        assert _told(seen) == [("changed", name) for name in names]


async def test_draining_ends_streams_with_the_cursor_from_which_to_resume(store, clock):
    async with serving(store, clock) as served:
        stream = served.workspaces.WatchWorkspaces(_request())
        synced = (await _until(stream, "synced"))[-1]
        stopping = asyncio.create_task(served.server.stop())
        failed = await failure(stream)
        await stopping
    assert (failed.code, failed.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
    assert failed.info.metadata["cursor"] == synced.cursor
    assert error_details_pb2.RetryInfo in failed.details


async def test_a_stream_that_begins_while_the_server_drains_ends_at_once(store):
    watches = Watches(store, limits=WatchLimits())
    watches.drain()
    stream = watches.stream(Selection(namespace="", labels=""), since="7")
    with pytest.raises(WatchEnded) as caught:
        await anext(stream)
    assert isinstance(caught.value.cause, Draining)
    assert caught.value.cursor


async def test_a_store_that_becomes_unreachable_ends_the_stream_with_its_cursor(
    stub, store, monkeypatch
):
    async def breaking(**fields):
        raise Unreachable("gone")
        yield

    monkeypatch.setattr(store, "watch", breaking)
    stream = stub.WatchWorkspaces(_request())
    synced = (await _until(stream, "synced"))[-1]
    failed = await failure(stream)
    assert (failed.code, failed.reason) == (grpc.StatusCode.UNAVAILABLE, "UNREACHABLE")
    assert failed.info.metadata["cursor"] == synced.cursor


async def test_a_defect_in_the_store_is_internal_and_tells_nothing(stub, store, monkeypatch):
    async def breaking(**fields):
        raise TimeoutError("secret")
        yield

    monkeypatch.setattr(store, "watch", breaking)
    failed = await failure(stub.WatchWorkspaces(_request()))
    assert failed.code is grpc.StatusCode.INTERNAL
    assert "secret" not in failed.message


async def test_a_reader_that_leaves_frees_its_watch(served, stub):
    stream = stub.WatchWorkspaces(_request())
    await _until(stream, "synced")
    watches = served.server._watches
    assert len(watches._open) == 1
    stream.cancel()
    await eventually(lambda: not watches._open)
