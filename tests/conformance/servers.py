"""The ways in which the tables reach a server."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiohttp import ClientSession, ClientTimeout

from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.http_messages import Response
from tests.conformance.scenarios import Answer


class InProcess:
    """``ApiServer.handle``, without a transport."""

    def __init__(self, api_server: ApiServer) -> None:
        self._api_server = api_server

    async def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        response = await self._api_server.handle(method, path, headers, body)
        assert isinstance(response.body, bytes)
        return Answer(response.status, response.headers, response.body)

    @asynccontextmanager
    async def watch(self, path: str) -> AsyncIterator[AsyncIterator[bytes]]:
        response = await self._api_server.handle("GET", path, {}, b"")
        lines = _lines(response)
        yield lines
        await lines.aclose()


async def _lines(response: Response) -> AsyncIterator[bytes]:
    if isinstance(response.body, bytes):
        yield response.body
        return
    async for chunk in response.body:
        for line in chunk.splitlines():
            yield line


class OverHttp:
    """Any server at a URL."""

    def __init__(self, session: ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        async with self._session.request(
            method, self._url + path, headers=headers, data=body
        ) as response:
            return Answer(response.status, response.headers, await response.read())

    @asynccontextmanager
    async def watch(self, path: str) -> AsyncIterator[AsyncIterator[bytes]]:
        timeout = ClientTimeout(total=30)
        async with self._session.get(self._url + path, timeout=timeout) as response:
            yield aiter(response.content)
