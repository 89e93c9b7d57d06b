"""What the Azure SDK raises, in the engine's words.

The SDK's exception classes are uneven (412 raises three different ones), so status and codes are
read from the answer itself.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    DecodeError,
    HttpResponseError,
)

from engine.errors import Unreachable
from engine.nodes.agent_pool import CloudError, CloudRefused

CALL_SECONDS = 60.0
"""For a whole call: the token, the request, and all pages of a list."""

MESSAGE_LENGTH = 1024
"""Enough for a person; ARM quotes whole documents."""

_LOWEST_ERROR = 400
_UNAUTHORIZED = 401


class ErrorNode(Protocol):
    """One level of ARM's error format; details are more of the same."""

    @property
    def code(self) -> str | None: ...

    @property
    def message(self) -> str | None: ...

    @property
    def details(self) -> "Sequence[ErrorNode] | None": ...


@asynccontextmanager
async def answered() -> AsyncIterator[None]:
    """Raises CloudRefused or Unreachable for whatever a call to Azure within it raises."""
    try:
        async with asyncio.timeout(CALL_SECONDS):
            yield
    except (AzureError, TimeoutError, ValueError) as error:  # ValueError: an answer not JSON
        raise translated(error) from error


def translated(error: Exception) -> CloudRefused | Unreachable:
    """CloudRefused for an answer that says no, Unreachable for everything else."""
    status = _status(error)
    if isinstance(error, HttpResponseError) and status >= _LOWEST_ERROR:
        return CloudRefused(_refusal(error, status))
    return Unreachable(f"Azure did not answer: {str(error) or type(error).__name__}")


def cloud_error(node: ErrorNode, *, status: int, retry_after: float | None = None) -> CloudError:
    """``node`` is the outermost level; ``retry_after`` is in seconds."""
    levels = list(_levels(node))
    messages = dict.fromkeys(str(level.message) for level in levels if level.message)
    return CloudError(
        status=status,
        code=str(node.code or ""),
        message="; ".join(messages)[:MESSAGE_LENGTH],
        inner=tuple(str(level.code) for level in levels[1:] if level.code),
        retry_after=retry_after,
    )


def _levels(node: ErrorNode) -> Iterator[ErrorNode]:
    yield node
    for detail in node.details or ():
        yield from _levels(detail)


def _status(error: Exception) -> int:
    """0 without an answer. No token means 401, though it is not ARM that says so."""
    if isinstance(error, ClientAuthenticationError):
        return _UNAUTHORIZED
    if isinstance(error, DecodeError) or not isinstance(error, HttpResponseError):
        return 0
    return error.status_code or 0


def _refusal(error: HttpResponseError, status: int) -> CloudError:
    """A body that is not ARM's, such as a proxy's page, has no code."""
    retry_after = _retry_after(error)
    if error.error is not None:
        return cloud_error(error.error, status=status, retry_after=retry_after)
    message = error.message[:MESSAGE_LENGTH]
    return CloudError(status=status, code="", message=message, retry_after=retry_after)


def _retry_after(error: HttpResponseError) -> float | None:
    """In seconds, as ARM sends it."""
    headers = getattr(error.response, "headers", {})
    told = headers.get("Retry-After") or ""
    return float(told) if told.isdigit() else None
