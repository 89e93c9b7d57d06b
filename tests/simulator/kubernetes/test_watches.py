import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from simulator.kubernetes import watches
from simulator.kubernetes.api_server import ApiServer

PATH = "/api/v1/namespaces/default/configmaps?watch=1"


def make(server: ApiServer, name: str) -> None:
    metadata = {"name": name, "namespace": "default"}
    server.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})


async def watch(server: ApiServer, options: str = "") -> AsyncIterator[bytes]:
    response = await server.handle("GET", f"{PATH}&{options}", {})
    assert response.status == 200
    assert not isinstance(response.body, bytes)
    return response.body


async def next_events(stream: AsyncIterator[bytes]) -> list[dict[str, Any]]:
    async with asyncio.timeout(5):
        return [json.loads(line) for line in (await anext(stream)).splitlines()]


async def test_a_watch_with_nothing_to_tell_waits(server: ApiServer) -> None:
    stream = await watch(server)
    waiting = asyncio.create_task(next_events(stream))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    make(server, "a")
    assert [event["type"] for event in await waiting] == ["ADDED"]


async def test_no_change_falls_between_the_request_and_the_first_read(server: ApiServer) -> None:
    stream = await watch(server)
    make(server, "a")
    make(server, "b")
    names = [event["object"]["metadata"]["name"] for event in await next_events(stream)]
    assert names == ["a", "b"]


async def test_what_leaves_a_selector_is_shown_as_it_was_at_the_version_it_left(
    server: ApiServer,
) -> None:
    metadata = {"name": "a", "namespace": "default", "labels": {"team": "x"}}
    made = server.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    stream = await watch(server, "labelSelector=team")
    left = server.update({**made, "metadata": {**made["metadata"], "labels": {"other": "y"}}})
    *_, gone = await next_events(stream)
    assert gone["type"] == "DELETED"
    assert gone["object"]["metadata"]["labels"] == {"team": "x"}
    version = left["metadata"]["resourceVersion"]
    assert gone["object"]["metadata"]["resourceVersion"] == version


async def test_a_watch_ends_when_its_time_is_over(server: ApiServer) -> None:
    stream = await watch(server, "timeoutSeconds=1&allowWatchBookmarks=true")
    async with asyncio.timeout(5):
        lines = [line async for line in stream]
    (bookmark,) = (json.loads(line) for line in lines)
    assert bookmark["type"] == "BOOKMARK"
    assert bookmark["object"]["metadata"]["resourceVersion"] == str(server.resource_version)


async def test_bookmarks_come_now_and_then(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watches, "BOOKMARK_SECONDS", 0.01)
    stream = await watch(server, "allowWatchBookmarks=true")
    (event,) = await next_events(stream)
    assert event["type"] == "BOOKMARK"


async def test_a_reader_that_is_too_slow_is_cut_off(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watches, "QUEUE_LENGTH", 3)
    stream = await watch(server)
    for name in ("a", "b", "c", "d", "e"):
        make(server, name)
    assert len(await next_events(stream)) == 3
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_version_of_an_earlier_life_is_expired(
    open_server: Callable[[Path], ApiServer], tmp_path: Path
) -> None:
    first = open_server(tmp_path / "cluster.sqlite")
    make(first, "a")
    first.close()
    second = open_server(tmp_path / "cluster.sqlite")
    stream = await watch(second, "resourceVersion=2")
    (event,) = await next_events(stream)
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
    resumed = await watch(second, f"resourceVersion={second.resource_version}")
    make(second, "b")
    (event,) = await next_events(resumed)
    assert event["object"]["metadata"]["name"] == "b"


async def test_closing_the_server_ends_all_watches(server: ApiServer) -> None:
    stream = await watch(server)
    waiting = asyncio.create_task(anext(stream, b"ended"))
    await asyncio.sleep(0)
    server.close()
    async with asyncio.timeout(5):
        assert not (await waiting).replace(b"ended", b"")


async def test_a_table_watch_names_its_columns_once(server: ApiServer) -> None:
    accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    make(server, "a")
    response = await server.handle("GET", PATH, accept)
    assert not isinstance(response.body, bytes)
    make(server, "b")
    first, second = (event["object"] for event in await next_events(response.body))
    assert [column["name"] for column in first["columnDefinitions"]] == ["Name", "Data", "Age"]
    assert second["columnDefinitions"] == []
    assert second["rows"][0]["cells"][:2] == ["b", 0]
