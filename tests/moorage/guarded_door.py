"""A door before a Kubernetes API that notes what is asked, as RBAC would see it, and may deny it.

It denies only in answer to access reviews: the simulated cluster has no access control.
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from simulator.kubeconfig import write_kubeconfig

VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
HOP_BY_HOP = {"transfer-encoding", "content-length", "connection", "content-encoding"}

Asked = tuple[str, str, str]
"""Verb, group, resource with its subresource."""


@dataclass
class GuardedDoor:
    url: str
    session: aiohttp.ClientSession
    asked: set[Asked] = field(default_factory=set)
    denied: set[Asked] = field(default_factory=set)
    kubeconfig: Path = Path()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if request.path == REVIEWS:
            return web.json_response(self._reviewed(json.loads(body)))
        if request.path.startswith(("/api/", "/apis/")):
            self.asked.add(asked(request.method, request.path, dict(request.query)))
        async with self.session.request(
            request.method,
            self.url + request.raw_path,
            data=body,
            headers={"Content-Type": request.headers.get("Content-Type", "application/json")},
        ) as answer:
            headers = {k: v for k, v in answer.headers.items() if k.lower() not in HOP_BY_HOP}
            response = web.StreamResponse(status=answer.status, headers=headers)
            await response.prepare(request)
            with suppress(ConnectionResetError):  # whoever watched has gone
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
            return response

    def _reviewed(self, review: dict) -> dict:
        it = review["spec"]["resourceAttributes"]
        resource = "/".join(filter(None, (it["resource"], it.get("subresource"))))
        allowed = (it["verb"], it["group"], resource) not in self.denied
        return {**review, "status": {"allowed": allowed}}


def asked(method: str, path: str, query: dict[str, str]) -> Asked:
    root, *parts = path.strip("/").split("/")
    group = "" if root == "api" else parts.pop(0)
    parts.pop(0)
    if parts[0] == "namespaces" and len(parts) > 2:
        parts = parts[2:]
    resource, name, subresource = (*parts, "", "")[:3]
    reading = "get" if name else "watch" if query.get("watch") == "true" else "list"
    verb = VERBS.get(method, reading)
    return verb, group, "/".join(filter(None, (resource, subresource)))


@asynccontextmanager
async def guarded_door(url: str, directory: Path) -> AsyncIterator[GuardedDoor]:
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=None), auto_decompress=False
    ) as session:
        door = GuardedDoor(url=url, session=session)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", door.handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        door.kubeconfig = directory / "kubeconfig-of-door"
        write_kubeconfig(door.kubeconfig, f"http://127.0.0.1:{runner.addresses[0][1]}")
        try:
            yield door
        finally:
            await runner.cleanup()
