"""Reads request bodies, and notices when nobody waits for the answer any more."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from .limits import Limits

Body = TypeVar("Body", bound=BaseModel)
Result = TypeVar("Result")


async def read_body(request: Request, kind: type[Body], limits: Limits) -> Body:
    """The request's JSON body.

    Raises pydantic's ValidationError, ClientDisconnect, and HTTPException: 413 for a body that is
    too long, 408 for one that does not come.
    """
    try:
        async with asyncio.timeout(limits.body_seconds):
            content = await _content(request, limits.body_bytes)
    except TimeoutError:
        raise HTTPException(
            408,
            f"the body did not come within {limits.body_seconds:g} seconds",
            headers={"Connection": "close"},  # the rest of the body would be taken for a request
        ) from None
    return kind.model_validate_json(content)


async def _content(request: Request, limit_bytes: int) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > limit_bytes:
            raise HTTPException(413, f"the body exceeds {limit_bytes} bytes")
    return bytes(content)


async def while_connected(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """The result of ``work``, which is cancelled when the client goes. Raises ClientDisconnect."""
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_disconnect(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
