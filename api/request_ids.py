"""Request ids: a change that is sent twice happens once (AIP-155)."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from google.protobuf.message import Message

from api.errors import RequestIdReused

REMEMBERED = 4096

Response = TypeVar("Response", bound=Message)


@dataclass(frozen=True, slots=True)
class _UnderWay:
    body: bytes
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class RequestIds:
    """The answers of the latest changes, by request id.

    A change that failed, or whose caller left, is forgotten, so that it can be tried again under
    its id; one of those who waited for it makes that attempt.
    """

    def __init__(self, *, remembered: int = REMEMBERED) -> None:
        self._under_way: dict[str, _UnderWay] = {}
        self._answers: OrderedDict[str, tuple[bytes, Any]] = OrderedDict()
        self._remembered = remembered

    async def once(
        self, request_id: str, request: Message, perform: Callable[[], Awaitable[Response]]
    ) -> Response:
        """The answer of ``perform``, or of the same request before. Raises RequestIdReused."""
        if not request_id:
            return await perform()
        body = type(request).__name__.encode() + request.SerializeToString(deterministic=True)
        while first := self._under_way.get(request_id):
            _require_same(request_id, first.body, body)
            await first.ended.wait()
        if request_id in self._answers:
            earlier_body, answer = self._answers[request_id]
            _require_same(request_id, earlier_body, body)
            return answer  # type: ignore[no-any-return]  # its type is that of the request
        return await self._perform(request_id, body, perform)

    async def _perform(
        self, request_id: str, body: bytes, perform: Callable[[], Awaitable[Response]]
    ) -> Response:
        under_way = self._under_way[request_id] = _UnderWay(body)
        try:
            answer = await perform()
            self._answers[request_id] = (body, answer)
        finally:
            del self._under_way[request_id]
            under_way.ended.set()
        if len(self._answers) > self._remembered:
            self._answers.popitem(last=False)
        return answer


def _require_same(request_id: str, earlier: bytes, now: bytes) -> None:
    if earlier != now:
        raise RequestIdReused(request_id)
