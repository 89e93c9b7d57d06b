"""Who is let in: the checks that need no more than a request's head."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from . import refusals
from .api_key import ApiKeyFile
from .limits import Limits
from .refusals import Refusal
from .traffic import Traffic


class Door:
    """ASGI middleware: counts whom it lets in as traffic, but for ``open_paths``.

    Those are open to all, at all times. Without a key everything is open to all.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        open_paths: frozenset[str],
        limits: Limits,
        key: ApiKeyFile | None,
        traffic: Traffic,
    ) -> None:
        self._app = app
        self._open_paths = open_paths
        self._limits = limits
        self._key = key
        self._traffic = traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif (refusal := self._refusal(scope)) is not None:
            await refusal.response(scope["path"])(scope, receive, send)
        elif scope["path"] in self._open_paths:
            await self._app(scope, receive, send)
        else:
            with self._traffic.one_more():
                await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Refusal | None:
        size = sum(len(name) + len(value) for name, value in scope["headers"])
        if size > self._limits.header_bytes:
            message = f"the headers exceed {self._limits.header_bytes} bytes"
            return Refusal(status=431, message=message)
        if scope["path"] in self._open_paths:
            return None
        if self._key is not None and not self._key.opens_to(
            Headers(scope=scope).get("Authorization", "")
        ):
            return _unauthorized()
        if self._traffic.draining:
            return refusals.unavailable("the gateway is about to stop", code="draining")
        if self._traffic.count >= self._limits.requests:
            return refusals.too_many(f"{self._traffic.count} requests are at work already")
        return None


def _unauthorized() -> Refusal:
    return Refusal(
        status=401,
        message="give this server's API key: Authorization: Bearer KEY",
        code="invalid_api_key",
        headers={"WWW-Authenticate": "Bearer"},
    )
