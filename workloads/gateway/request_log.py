"""Names each request, and writes a line of log for each that is answered."""

import logging
import re
import time
import uuid
from contextvars import ContextVar

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-Id"
_SANE = re.compile(r"[!-~]{1,128}")  # visible ASCII: it goes into logs and headers as it is

request_id: ContextVar[str] = ContextVar("request_id", default="-")
"""Of the request that is being served; tasks that it starts inherit it."""

logger = logging.getLogger(__name__)


def add_request_id(record: logging.LogRecord) -> bool:
    """A filter that lets everything pass, with the request's id."""
    record.request_id = request_id.get()
    return True


class RequestLog:
    """ASGI middleware: a request keeps the id that its client sent, or is given one.

    Of ``quiet_paths``, which are asked every second or so, nothing is written.
    """

    def __init__(self, app: ASGIApp, *, quiet_paths: frozenset[str]) -> None:
        self._app = app
        self._quiet_paths = quiet_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        status = "-"
        identifier = _identifier(Headers(scope=scope).get(HEADER, ""))
        request_id.set(identifier)  # the server gives each request a task, and so a context

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
                MutableHeaders(scope=message)[HEADER] = identifier
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        finally:
            seconds = time.perf_counter() - start
            # The path as it was sent: decoded, it may break the line.
            path = scope["raw_path"].decode("ascii", "replace")
            client = (scope["client"] or ["-"])[0]
            level = logging.DEBUG if path in self._quiet_paths else logging.INFO
            logger.log(level, "%s %s %s %s %.3fs", client, scope["method"], path, status, seconds)


def _identifier(sent: str) -> str:
    return sent if _SANE.fullmatch(sent) else uuid.uuid4().hex
