"""In place of the Azure SDK's HTTP: the same requests, straight to the simulated Azure.

Given to a client as ``transport=``, it runs in any event loop, one in virtual time too.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from types import TracebackType
from typing import Any

import aiohttp
from azure.core.exceptions import ServiceRequestError, ServiceResponseTimeoutError
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.core.rest._http_response_impl_async import AsyncHttpResponseImpl
from multidict import CIMultiDict

from simulator.azure.messages import Answer, Handle, Request

Carry = Callable[[Request, Handle], Awaitable[Answer]]
"""Takes a request to the cloud, and the answer back: here either may be delayed, or lost.

Raises aiohttp.ClientError where the connection breaks, and TimeoutError where nobody answers.
"""


async def straight(request: Request, handle: Handle) -> Answer:
    """A network on which nothing goes wrong."""
    return await handle(request)


class InProcessTransport(AsyncHttpTransport[HttpRequest, AsyncHttpResponse]):
    """Errors are those that the SDK's own transport for aiohttp makes of what goes wrong there."""

    def __init__(self, handle: Handle, carry: Carry = straight) -> None:
        self._handle = handle
        self._carry = carry

    async def send(self, request: HttpRequest, **_: Any) -> AsyncHttpResponse:
        asked = Request.parse(request.method, request.url, request.headers, _bytes(request))
        try:
            answer = await self._carry(asked, self._handle)
        except TimeoutError as error:
            raise ServiceResponseTimeoutError(error, error=error) from error
        except aiohttp.ClientError as error:
            raise ServiceRequestError(error, error=error) from error
        return _InProcessResponse(request, answer)

    async def open(self) -> None:
        """There is no session."""

    async def close(self) -> None:
        """There is no session."""

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        """There is no session."""


class _InProcessResponse(AsyncHttpResponseImpl):
    """The SDK's policies expect more of a response than its public base class has."""

    def __init__(self, request: HttpRequest, answer: Answer) -> None:
        super().__init__(
            request=request,
            internal_response=None,
            status_code=answer.status,
            reason=HTTPStatus(answer.status).phrase,
            content_type=answer.headers.get("Content-Type"),
            headers=CIMultiDict(answer.headers),
            stream_download_generator=None,
        )
        self._content = answer.body
        self._is_closed = True


def _bytes(request: HttpRequest) -> bytes:
    content = request.content
    if content is None:
        return b""
    return content.encode() if isinstance(content, str) else bytes(content)
