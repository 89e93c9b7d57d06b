"""An ARM that answers what a test lays down, in order, and remembers what it was asked.

For shapes that the simulated ARM never sends.
"""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web

from adapters.aks.agent_pools import AksAgentPools
from adapters.aks.client import ManagedCluster, arm_client

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
CLUSTER_PATH = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
    "/providers/Microsoft.ContainerService/managedClusters/aks"
)


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class RecordedArm:
    """An answer is (status, body, headers), or "drop" for a connection that ends unanswered."""

    answers: deque[Any] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)
    url: str = ""

    def answer(self, status: int, body: Any = None, **headers: str) -> None:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, body, told))

    def drop(self) -> None:
        self.answers.append("drop")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        text = await request.read()
        self.asked.append(
            Asked(
                method=request.method,
                path=request.path,
                query=dict(request.query),
                headers=dict(request.headers),
                body=orjson.loads(text) if text else None,
            )
        )
        answer = self.answers.popleft()
        if answer == "drop":
            assert request.transport is not None
            request.transport.abort()
            raise web.HTTPInternalServerError
        status, body, headers = answer
        if body is None:
            return web.Response(status=status, headers=headers)
        if isinstance(body, str):
            return web.Response(status=status, text=body, content_type="text/html", headers=headers)
        text = orjson.dumps(body)
        return web.Response(
            status=status, body=text, content_type="application/json", headers=headers
        )


@asynccontextmanager
async def recorded_arm() -> AsyncIterator[RecordedArm]:
    arm = RecordedArm()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", arm.handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    arm.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield arm
    finally:
        await runner.cleanup()


def cluster_at(url: str) -> ManagedCluster:
    return ManagedCluster(
        subscription=SUBSCRIPTION, resource_group="rg", name="aks", location="sw", endpoint=url
    )


@asynccontextmanager
async def pools_at(url: str) -> AsyncIterator[AksAgentPools]:
    cluster = cluster_at(url)
    async with arm_client(cluster) as client:
        yield AksAgentPools(client, cluster)
