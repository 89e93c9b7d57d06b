"""The reflector on the official client, in virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from adapters.kubernetes.objects import KubernetesObjects
from adapters.kubernetes.reflector import Reflector
from simulator.kubernetes.watch_cache import WatchCache
from simulator.wire.memory_connection import MemoryConnector
from tests.simulator.wire.memory_world import CONFIG_MAP, MemoryWorld, config_map, run


@asynccontextmanager
async def reflected(objects: KubernetesObjects) -> AsyncIterator[list[str]]:
    """What a reflector tells, as it comes: ``+name`` and ``-name``."""
    told: list[str] = []
    reflector = Reflector(
        objects,
        CONFIG_MAP,
        labels="app=test",
        on_held=lambda item: told.append(f"+{item['metadata']['name']}"),
        on_gone=lambda item: told.append(f"-{item['metadata']['name']}"),
    )
    running = asyncio.create_task(reflector.run())
    await reflector.listed()
    await asyncio.sleep(1)
    yield told
    running.cancel()


def lose_all(connector: MemoryConnector) -> None:
    for connection in connector.connections:
        connection.drop()


def make(world: MemoryWorld, name: str) -> int:
    world.api.create(config_map(name))
    return world.api.resource_version


def test_what_a_lost_watch_missed_is_told_once() -> None:
    async def story(world: MemoryWorld) -> None:
        make(world, "a")
        make(world, "b")
        connector = world.connector()
        async with world.client(connector) as objects, reflected(objects) as told:
            lose_all(connector)
            make(world, "c")
            world.api.delete("ConfigMap", "a", "default")
            await asyncio.sleep(30)
            assert told == ["+a", "+b", "-a", "+c"]

    run(story)


def test_it_starts_from_what_the_servers_cache_has() -> None:
    async def story(world: MemoryWorld) -> None:
        cache = WatchCache()
        cache.fall_behind(make(world, "a"))
        make(world, "b")
        connector = world.connector(cache=cache)
        async with world.client(connector) as objects, reflected(objects) as told:
            assert told == ["+a"]
            cache.catch_up()
            await asyncio.sleep(1)
            assert told == ["+a", "+b"]

    run(story)


def test_it_never_goes_back_to_a_past_that_a_cache_still_shows() -> None:
    async def story(world: MemoryWorld) -> None:
        cache = WatchCache()
        past = make(world, "a")
        make(world, "b")
        connector = world.connector(cache=cache)
        async with world.client(connector) as objects, reflected(objects) as told:
            assert told == ["+a", "+b"]
            cache.fall_behind(past)
            lose_all(connector)
            make(world, "c")
            await asyncio.sleep(30)
            assert told == ["+a", "+b", "+c"]

    run(story)


def test_it_lists_again_when_its_version_is_forgotten() -> None:
    async def story(world: MemoryWorld) -> None:
        cache = WatchCache()
        make(world, "a")
        connector = world.connector(cache=cache)
        async with world.client(connector) as objects, reflected(objects) as told:
            cache.fall_behind(world.api.resource_version)
            make(world, "b")
            world.api.compact()
            cache.catch_up()
            await asyncio.sleep(30)
            assert told == ["+a", "+b"]

    run(story)
