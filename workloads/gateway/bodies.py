"""Reads request bodies, and notices when nobody waits for the answer any more."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request

MAX_BODY_BYTES = 1 << 20  # far above what a context holds

Body = TypeVar("Body", bound=BaseModel)
Result = TypeVar("Result")


class Disconnected(Exception):
    """The client has gone; there is nobody to answer."""


async def read_body(request: Request, kind: type[Body]) -> Body:
    """The request's JSON body. Raises pydantic's ValidationError, HTTPException 413."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BODY_BYTES:
            raise HTTPException(413, f"the body exceeds {MAX_BODY_BYTES} bytes")
    return kind.model_validate_json(bytes(content))


async def while_connected(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """The result of ``work``, which is cancelled when the client goes. Raises Disconnected."""
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_disconnect(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise Disconnected
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
