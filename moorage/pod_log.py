"""A container's log, line by line, from the Kubernetes API."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp

from engine.workspace import WorkspaceRef

TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10)
RETRY_SECONDS = 0.5
"""Until the pod is there, and its container has begun."""


@asynccontextmanager
async def weights_log_shown(
    kubernetes: str, ref: WorkspaceRef, show: Callable[[str], None]
) -> AsyncIterator[None]:
    """While the context lasts, ``show`` gets what the first replica's weight fetcher says."""
    path = f"/api/v1/namespaces/{ref.namespace}/pods/{ref.name}-0/log?container=weights&follow=true"
    showing = asyncio.create_task(_show(f"{kubernetes}{path}", show))
    try:
        yield
    finally:
        showing.cancel()
        await asyncio.wait({showing})
    if not showing.cancelled():
        showing.result()


async def _show(url: str, show: Callable[[str], None]) -> None:
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        while True:
            if await _shown_to_the_end(session, url, show):
                return
            await asyncio.sleep(RETRY_SECONDS)


async def _shown_to_the_end(
    session: aiohttp.ClientSession, url: str, show: Callable[[str], None]
) -> bool:
    async with session.get(url) as response:
        if not response.ok:
            return False
        async for line in response.content:
            show(line.decode(errors="replace").rstrip())
        return True
