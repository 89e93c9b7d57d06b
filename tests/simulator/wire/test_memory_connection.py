import asyncio
import gc
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.kubernetes.client import REQUEST_SECONDS, WATCH_SECONDS, KubernetesClient
from adapters.kubernetes.objects import KubernetesObjects
from engine.errors import Unreachable
from simulator.kubernetes.http_messages import Response
from simulator.virtual_time.process import Process, current_process
from simulator.virtual_time.schedule import Shuffled
from simulator.wire.memory_connection import BUFFER_BYTES, MemoryConnector
from tests.simulator.wire.memory_world import CONFIG_MAP, MemoryWorld, api_client, config_map, run

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("seed", range(5))
def test_the_clients_verbs_work_under_any_schedule(seed: int) -> None:
    async def story(world: MemoryWorld) -> None:
        async with world.client(world.connector()) as objects:
            await objects.create(CONFIG_MAP, config_map("a", colour="red"))
            await objects.merge(CONFIG_MAP, "a", "default", {"data": {"colour": "blue"}})
            await objects.apply(CONFIG_MAP, config_map("b", colour="green"))
            found, _ = await objects.list_all(CONFIG_MAP, "default")
            assert [item["data"]["colour"] for item in found] == ["blue", "green"]
            await objects.delete(CONFIG_MAP, "a", "default")
            left, _ = await objects.list_all(CONFIG_MAP, "default", labels="app=test")
            assert [item["metadata"]["name"] for item in left] == ["b"]

    run(story, Shuffled(random.Random(seed)))


def test_requests_one_after_the_other_share_a_connection() -> None:
    async def story(world: MemoryWorld) -> None:
        connector = world.connector()
        async with world.client(connector) as objects:
            await objects.create(CONFIG_MAP, config_map("a"))
            await asyncio.sleep(10_000)
            await objects.get(CONFIG_MAP, "a", "default")
            (connection,) = connector.connections
            assert connection.carries == "GET /api/v1/namespaces/default/configmaps/a"

    run(story)


def test_a_body_larger_than_the_buffers_arrives_whole() -> None:
    async def story(world: MemoryWorld) -> None:
        text = "x" * (2 * BUFFER_BYTES)
        async with world.client(world.connector(lambda: 0.01)) as objects:
            await objects.create(CONFIG_MAP, config_map("a", text=text))
            found = await objects.get(CONFIG_MAP, "a", "default")
            assert found["data"]["text"] == text

    run(story, Shuffled(random.Random(1)))


def test_a_writer_waits_for_a_reader_that_does_not_read() -> None:
    chunks = 0

    async def handle(*_: object) -> Response:
        async def body():
            nonlocal chunks
            while True:
                chunks += 1
                yield b"x" * 10_000

        return Response(200, {}, body())

    async def story(world: MemoryWorld) -> None:
        connector = MemoryConnector(handle, loop=world.loop)
        async with aiohttp.ClientSession(**connector.session_options()) as session:
            answer = await session.get("http://kubernetes/")
            await asyncio.sleep(1)
            sent_unread = chunks
            await answer.content.readexactly(1_000_000)
            await asyncio.sleep(1)
            assert sent_unread * 10_000 < 4 * BUFFER_BYTES
            assert chunks > sent_unread
            answer.close()

    run(story)


def test_an_answer_takes_a_journey_each_way() -> None:
    async def story(world: MemoryWorld) -> None:
        async with world.client(world.connector(lambda: 2.0)) as objects:
            await objects.list_all(CONFIG_MAP, "default")
            assert world.loop.time() == pytest.approx(4.0)

    run(story)


def test_a_watch_tells_changes_until_the_server_ends_it() -> None:
    async def story(world: MemoryWorld) -> None:
        async with world.client(world.connector()) as objects:
            watching = asyncio.create_task(all_events(objects))
            await asyncio.sleep(1)
            await objects.create(CONFIG_MAP, config_map("a"))
            await objects.delete(CONFIG_MAP, "a", "default")
            seen = [
                (event["type"], event["object"]["metadata"].get("name")) for event in await watching
            ]
            assert world.loop.time() == pytest.approx(WATCH_SECONDS, abs=1)
            assert [event for event in seen if event[0] != "BOOKMARK"] == [
                ("ADDED", "a"),
                ("DELETED", "a"),
            ]

    run(story)


def test_a_dropped_connection_is_noticed_at_both_ends() -> None:
    async def story(world: MemoryWorld) -> None:
        connector = world.connector()
        async with world.client(connector) as objects:
            watching = asyncio.create_task(first_event(objects))
            await asyncio.sleep(1)
            assert len(world.api._watches._watchers["configmaps"]) == 1
            (connection,) = connector.connections
            assert connection.carries.startswith("GET /api/v1/namespaces/default/configmaps?")
            connection.drop()
            with pytest.raises(Unreachable):
                await watching
            await asyncio.sleep(1)
            assert not world.api._watches._watchers["configmaps"]
            assert connector.connections == []
            await objects.create(CONFIG_MAP, config_map("a"))

    run(story)


def test_a_half_open_watch_ends_by_the_clients_own_time_limit() -> None:
    async def story(world: MemoryWorld) -> None:
        connector = world.connector()
        async with world.client(connector) as objects:
            watching = asyncio.create_task(first_event(objects))
            await asyncio.sleep(1)
            connector.connections[0].fall_silent()
            await objects.create(CONFIG_MAP, config_map("a"))
            with pytest.raises(Unreachable):
                await watching
            assert world.loop.time() == pytest.approx(WATCH_SECONDS + REQUEST_SECONDS, abs=2)

    run(story)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_crashed_client_leaves_the_server_to_the_others() -> None:
    async def story(world: MemoryWorld) -> None:
        doomed, connector = Process("doomed"), world.connector()
        client = api_client(connector)
        objects = KubernetesObjects(KubernetesClient(client))
        watching = world.loop.create_task(first_event(objects), context=doomed.context())
        async with world.client(world.connector()) as others:
            await asyncio.sleep(1)
            (connection,) = connector.connections
            assert connection.client is doomed
            doomed.crashed = True
            connection.drop()
            await others.create(CONFIG_MAP, config_map("a"))
            assert not world.api._watches._watchers["configmaps"]
            assert not watching.done()
        await client.close()

    run(story)
    gc.collect()  # what the crashed client never closed is complained of here


def test_requests_are_carried_out_as_the_server() -> None:
    seen = []

    async def handle(*_: object) -> Response:
        seen.append(current_process())
        return Response(200)

    async def story(world: MemoryWorld) -> None:
        connector = MemoryConnector(handle, loop=world.loop, server=world.server)
        async with aiohttp.ClientSession(**connector.session_options()) as session:
            await session.get("http://kubernetes/")
            assert current_process() is client

    client = Process("client")

    async def main(world: MemoryWorld) -> None:
        await asyncio.get_running_loop().create_task(story(world), context=client.context())
        assert seen == [world.server]

    run(main)


async def all_events(objects: KubernetesObjects) -> list[dict[str, Any]]:
    return [event async for event in objects.watch(CONFIG_MAP, "default", since="0")]


async def first_event(objects: KubernetesObjects) -> None:
    async for _ in objects.watch(CONFIG_MAP, "default", since="0"):
        return


def test_a_run_is_the_same_in_every_interpreter() -> None:
    one, other = (printed_trace(hash_seed) for hash_seed in ("1", "2"))
    assert one == other
    assert one.count("ADDED") == 15


def printed_trace(hash_seed: str) -> str:
    program = [sys.executable, "-m", "tests.simulator.wire.memory_world", "7"]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        program, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout
