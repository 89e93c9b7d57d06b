"""In place of the official client's HTTP: the same requests, straight onto the simulated network.

Implements what ``kubernetes.aio.client.rest.RESTClientObject`` does for an ``ApiClient``, and what
its callers use of ``aiohttp.ClientResponse``.
"""

import asyncio
import json
from collections.abc import Mapping
from copy import copy
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.client.rest import RESTResponse

from simulator.kubernetes.http_messages import Response
from simulator.wire.memory_connection import MemoryConnector
from simulator.wire.network import Network
from simulator.wire.watch_pipe import WatchPipe

HOST = "http://kubernetes.simulated"
DEFAULT_SECONDS = 300.0
"""The client's own limit where a caller names none."""


class WireResponse:
    """``content`` is there for streams, ``read`` for all others."""

    def __init__(self, response: Response) -> None:
        self.status = response.status
        self.reason = HTTPStatus(response.status).phrase
        self.headers: Mapping[str, str] = response.headers
        self._body = response.body

    @property
    def content(self) -> WatchPipe:
        if not isinstance(self._body, WatchPipe):
            raise TypeError("this answer is not a stream")
        return self._body

    async def read(self) -> bytes:
        if not isinstance(self._body, bytes):
            raise TypeError("this answer is a stream")
        return self._body

    def close(self) -> None:
        if isinstance(self._body, WatchPipe):
            self._body.close()

    release = close


def api_client(network: Network) -> ApiClient:
    """The official client with its HTTP replaced, for code that takes an ``ApiClient``."""
    client = copy(_client())
    client.rest_client = WireRestClient(network)  # type: ignore[assignment]
    return client


def http_api_client(connector: MemoryConnector) -> ApiClient:
    """The official client with all of its HTTP, over connections in memory."""
    client = copy(_client())
    client.rest_client = copy(client.rest_client)
    client.rest_client.configuration = copy(client.configuration)
    client.rest_client.configuration.client_session_kwargs = connector.session_options()
    return client


@cache
def _client() -> ApiClient:
    """Made once: each would read this machine's certificates anew, for 50 ms."""
    return ApiClient(Configuration(host=HOST))


class WireRestClient:
    """Raises aiohttp.ClientError and TimeoutError, as the real one does."""

    def __init__(self, network: Network) -> None:
        self._network = network

    async def close(self) -> None:
        """There is no pool of connections."""

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        post_params: Any = None,
        _request_timeout: float | None = None,
    ) -> RESTResponse:
        if post_params:
            raise TypeError("forms are not simulated")
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        seconds = _request_timeout or DEFAULT_SECONDS
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + seconds
        payload = b"" if body is None else json.dumps(body).encode()
        async with asyncio.timeout(seconds):
            response = await self._network.request(method, target, headers or {}, payload)
        if isinstance(response.body, WatchPipe):
            loop.call_at(ends_at, response.body.fail, TimeoutError())
        return RESTResponse(WireResponse(response))
