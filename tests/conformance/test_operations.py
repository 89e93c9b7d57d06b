"""Plays the tables against the simulator in process, over HTTP, and against a server at hand."""

import os
from collections.abc import AsyncIterator
from zlib import crc32

import pytest
from aiohttp import ClientSession

from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.http_door import HttpDoor
from tests.conformance.scenarios import Scenario, Server, play, scenarios
from tests.conformance.servers import InProcess, OverHttp

_REAL = os.environ.get("MOORAGE_CONFORMANCE_URL")
_WAYS = ["in process", "over HTTP", *(["real server"] if _REAL else [])]


@pytest.fixture(params=_WAYS)
async def server(request: pytest.FixtureRequest, api_server: ApiServer) -> AsyncIterator[Server]:
    if request.param == "in process":
        yield InProcess(api_server)
        return
    door = HttpDoor(api_server)
    url = _REAL if request.param == "real server" else await door.start()
    async with ClientSession() as session:
        yield OverHttp(session, str(url))
    await door.stop()


@pytest.mark.parametrize("scenario", list(scenarios()), ids=lambda scenario: scenario.name)
async def test_answers_as_the_tables_say(scenario: Scenario, server: Server) -> None:
    identity = f"c{crc32(scenario.name.encode())}"
    await play(scenario, server, {"ns": identity, "id": identity})
