"""Requests to the Kubernetes API in plain dicts, through the official asyncio client.

The client's typed models are left out on purpose: they cost ten times the call itself and silently
drop fields they do not know. Retries are the engine's, so the client's are off.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import orjson
from kubernetes.aio.client import ApiClient

from adapters.kubernetes.errors import from_status, refusal
from engine.errors import Unreachable

Object = dict[str, Any]

REQUEST_SECONDS = 30.0
WATCH_SECONDS = 240
"""Below the client's own limit of 300 s, so that a watch ends by the server's word."""

TOO_MANY_REQUESTS = 429
LONGEST_HOLD_SECONDS = 30.0
"""A server that asks for more is asked again after this; its word is not worth a whole night."""

MERGE_PATCH = "application/merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"
FIELD_MANAGER = "moorage"


class KubernetesClient:
    """Raises KubernetesRefusal for what the server answers, Unreachable where it does not."""

    def __init__(self, api_client: ApiClient) -> None:
        self._api = api_client
        self._held_until = 0.0
        """When the server lets us ask again, by the loop's clock."""

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        content_type: str = "application/json",
    ) -> Object:
        response = await self._send(
            method, path, query or {}, body, content_type, seconds=REQUEST_SECONDS
        )
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                text: bytes = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable(method, path, error) from error
        if not 200 <= response.status < 300:  # noqa: PLR2004
            raise refusal(response.status, text)
        answer: Object = orjson.loads(text)
        return answer

    async def watch(self, path: str, query: Mapping[str, str]) -> AsyncIterator[Object]:
        """The events of one watch request until the server ends it; bookmarks included."""
        asked = {
            **query,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        response = await self._send(
            "GET", path, asked, None, "application/json", seconds=WATCH_SECONDS + REQUEST_SECONDS
        )
        try:
            if response.status != 200:  # noqa: PLR2004
                raise refusal(response.status, await response.read())
            while line := await response.content.readline():
                event: Object = orjson.loads(line)
                if event["type"] == "ERROR":
                    raise from_status(event["object"], 500)
                yield event
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _unreachable("watch", path, error) from error
        finally:
            response.close()

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Object | None,
        content_type: str,
        *,
        seconds: float,
    ) -> Any:
        await self._heed()
        target = f"{path}?{urlencode(query, quote_via=quote)}" if query else path
        method, url, headers, *_ = await self._api.param_serialize(
            method,
            target,
            header_params={"Accept": "application/json", "Content-Type": content_type},
            auth_settings=["BearerToken"],
        )
        try:
            # Past param_serialize, which would copy the body in search of typed models.
            answer = await self._api.call_api(method, url, headers, body, _request_timeout=seconds)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(method, path, error) from error
        if answer.status == TOO_MANY_REQUESTS:
            self._hold(answer.headers.get("Retry-After", ""))
        return answer.response

    async def _heed(self) -> None:
        """Waits for as long as the server has asked for, whichever request it was that it told."""
        loop = asyncio.get_running_loop()
        while (left := self._held_until - loop.time()) > 0:  # noqa: ASYNC110 - it may be put off
            await asyncio.sleep(left)

    def _hold(self, retry_after: str) -> None:
        """``retry_after`` in seconds; kube-apiserver never sends a date."""
        seconds = min(float(retry_after), LONGEST_HOLD_SECONDS) if retry_after.isdigit() else 0.0
        self._held_until = max(self._held_until, asyncio.get_running_loop().time() + seconds)


def _unreachable(method: str, path: str, error: Exception) -> Unreachable:
    reason = str(error) or type(error).__name__
    return Unreachable(f"Kubernetes did not answer {method} {path}: {reason}")
