import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import ClientSession

from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.http_door import HttpDoor


async def test_a_taken_port_is_an_error(server: ApiServer) -> None:
    first = HttpDoor(server)
    port = int((await first.start()).rpartition(":")[2])
    with pytest.raises(OSError, match="address already in use"):
        await HttpDoor(server, port=port).start()
    await first.stop()


async def test_stop_does_not_wait_for_watchers(server: ApiServer) -> None:
    door = HttpDoor(server)
    url = await door.start()
    async with ClientSession() as session:
        watch = await session.get(f"{url}/api/v1/namespaces?watch=1")
        await watch.content.readline()
        started = asyncio.get_running_loop().time()
        await door.stop()
        assert asyncio.get_running_loop().time() - started < 0.5
        watch.close()


async def test_a_watcher_that_leaves_is_forgotten(server: ApiServer) -> None:
    door = HttpDoor(server)
    url = await door.start()
    async with ClientSession() as session:
        watch = await session.get(f"{url}/api/v1/namespaces?watch=1")
        await watch.content.readline()
        assert len(server._watches._watchers["namespaces"]) == 1
        watch.close()
        async with asyncio.timeout(5):
            while server._watches._watchers["namespaces"]:  # noqa: ASYNC110 - the server announces no departures
                await asyncio.sleep(0.01)
    await door.stop()


async def test_a_fault_of_the_server_is_a_status_and_in_the_log(
    open_server: Callable[[Path], ApiServer], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = open_server(tmp_path / "cluster.sqlite")
    door = HttpDoor(server)
    url = await door.start()
    server._store.close()
    caplog.set_level(logging.ERROR)
    config_map = {"metadata": {"name": "a"}}
    path = f"{url}/api/v1/namespaces/default/configmaps"
    async with ClientSession() as session, session.post(path, json=config_map) as response:
        status = await response.json()
    assert (response.status, status["reason"]) == (500, "InternalError")
    assert "Cannot operate on a closed database" in caplog.text
    await door.stop()
