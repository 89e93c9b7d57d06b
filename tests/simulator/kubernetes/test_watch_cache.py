import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.http_messages import Response
from simulator.kubernetes.watch_cache import WatchCache

PATH = "/api/v1/namespaces/default/configmaps"


def make(server: ApiServer, name: str) -> int:
    metadata = {"name": name, "namespace": "default"}
    server.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    return server.resource_version


async def ask(server: ApiServer, query: str, cache: WatchCache) -> Response:
    return await server.handle("GET", f"{PATH}?{query}", {}, cache=cache)


async def listed(server: ApiServer, query: str, cache: WatchCache) -> tuple[int, list[str]]:
    """The list's version and names; the status and nothing where it is refused."""
    response = await ask(server, query, cache)
    assert isinstance(response.body, bytes)
    body = json.loads(response.body)
    if response.status != 200:
        return response.status, []
    names = [item["metadata"]["name"] for item in body["items"]]
    return int(body["metadata"]["resourceVersion"]), names


async def watched(server: ApiServer, query: str, cache: WatchCache) -> AsyncIterator[bytes]:
    response = await ask(server, f"watch=1&{query}", cache)
    assert not isinstance(response.body, bytes)
    return response.body


async def next_events(stream: AsyncIterator[bytes]) -> list[tuple[str, Any]]:
    async with asyncio.timeout(5):
        lines = [json.loads(line) for line in (await anext(stream)).splitlines()]
    return [(line["type"], line["object"].get("metadata", {}).get("name")) for line in lines]


async def has_nothing(stream: AsyncIterator[bytes]) -> bool:
    waiting = asyncio.create_task(anext(stream))
    await asyncio.sleep(0.01)
    if waiting.done():
        return False
    waiting.cancel()
    return True


async def test_lists_of_any_version_show_what_the_cache_knows(server: ApiServer) -> None:
    cache = WatchCache()
    known = make(server, "a")
    latest = make(server, "b")
    cache.fall_behind(known)
    assert await listed(server, "resourceVersion=0", cache) == (known, ["a"])
    assert await listed(server, "resourceVersion=0&limit=1", cache) == (known, ["a"])
    cache.catch_up()
    assert await listed(server, "resourceVersion=0&limit=1", cache) == (latest, ["a", "b"])


async def test_the_most_recent_is_read_past_the_cache(server: ApiServer) -> None:
    cache = WatchCache()
    cache.fall_behind(server.resource_version)
    latest = make(server, "a")
    assert await listed(server, "", cache) == (latest, ["a"])
    assert await listed(server, "limit=1", cache) == (latest, ["a"])
    found = await server.handle("GET", f"{PATH}/a", {}, cache=cache)
    assert found.status == 200


async def test_a_list_is_never_older_than_asked_for(server: ApiServer) -> None:
    cache = WatchCache()
    older = make(server, "a")
    known = make(server, "b")
    newer = make(server, "c")
    cache.fall_behind(known)
    assert await listed(server, f"resourceVersion={older}", cache) == (known, ["a", "b"])
    refused = await ask(server, f"resourceVersion={newer}", cache)
    assert isinstance(refused.body, bytes)
    status = json.loads(refused.body)
    assert (refused.status, status["reason"]) == (504, "Timeout")
    assert status["message"] == f"Too large resource version: {newer}, current: {known}"
    assert refused.headers["Retry-After"] == "1"


async def test_a_page_of_a_version_is_of_exactly_that_version(server: ApiServer) -> None:
    first = make(server, "a")
    make(server, "b")
    level = WatchCache()
    assert await listed(server, f"resourceVersion={first}&limit=5", level) == (first, ["a"])
    query = f"resourceVersion={first}&limit=5&resourceVersionMatch=NotOlderThan"
    assert (await listed(server, query, level))[1] == ["a", "b"]


async def test_a_watch_tells_no_more_than_the_cache_knows_until_it_catches_up(
    server: ApiServer,
) -> None:
    cache = WatchCache()
    start = make(server, "a")
    known = make(server, "b")
    make(server, "c")
    cache.fall_behind(known)
    stream = await watched(server, f"resourceVersion={start}", cache)
    assert await next_events(stream) == [("ADDED", "b")]
    make(server, "d")
    cache.catch_up()
    assert await next_events(stream) == [("ADDED", "c"), ("ADDED", "d")]
    make(server, "e")
    assert await next_events(stream) == [("ADDED", "e")]


async def test_a_watch_that_was_open_hears_nothing_while_the_cache_lags(server: ApiServer) -> None:
    cache, level = WatchCache(), WatchCache()
    lagging = await watched(server, "", cache)
    other = await watched(server, "", level)
    cache.fall_behind(server.resource_version)
    first = make(server, "a")
    make(server, "b")
    assert await next_events(other) == [("ADDED", "a"), ("ADDED", "b")]
    cache.fall_behind(first)
    assert await next_events(lagging) == [("ADDED", "a")]
    assert await has_nothing(lagging)


async def test_a_watch_of_any_version_starts_with_what_the_cache_knows(server: ApiServer) -> None:
    cache = WatchCache()
    cache.fall_behind(make(server, "a"))
    make(server, "b")
    stream = await watched(server, "resourceVersion=0", cache)
    assert await next_events(stream) == [("ADDED", "a")]


async def test_a_watch_from_a_version_ahead_of_the_cache_waits_for_later_ones(
    server: ApiServer,
) -> None:
    cache = WatchCache()
    cache.fall_behind(make(server, "a"))
    seen = make(server, "b")
    stream = await watched(server, f"resourceVersion={seen}", cache)
    make(server, "c")
    cache.catch_up()
    assert await next_events(stream) == [("ADDED", "c")]


async def test_what_was_compacted_cannot_be_resumed(server: ApiServer) -> None:
    start = make(server, "a")
    latest = make(server, "b")
    server.compact()
    level = WatchCache()
    stream = await watched(server, f"resourceVersion={start}", level)
    assert await next_events(stream) == [("ERROR", None)]
    assert await listed(server, f"resourceVersion={start}&limit=1", level) == (410, [])
    resumed = await watched(server, f"resourceVersion={latest}", level)
    make(server, "c")
    assert await next_events(resumed) == [("ADDED", "c")]


async def test_a_cache_that_catches_up_past_a_compaction_ends_its_watches(
    server: ApiServer,
) -> None:
    cache = WatchCache()
    stream = await watched(server, "", cache)
    cache.fall_behind(server.resource_version)
    make(server, "a")
    server.compact()
    cache.catch_up()
    assert await next_events(stream) == [("ERROR", None)]


async def test_a_watch_that_ended_follows_its_cache_no_more(server: ApiServer) -> None:
    cache = WatchCache()
    stream = await watched(server, "timeoutSeconds=1", cache)
    async with asyncio.timeout(5):
        assert [line async for line in stream] == []
    assert not cache._readers
