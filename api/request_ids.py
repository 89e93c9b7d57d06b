"""Request ids: a change that is sent twice happens once (AIP-155)."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from google.protobuf.message import Message

from api.errors import RequestIdReused
from api.marks import digest

REMEMBERED = 4096
REMEMBERED_BYTES = 64 * 2**20

Response = TypeVar("Response", bound=Message)


@dataclass(frozen=True, slots=True)
class _Change:
    digest: str
    task: asyncio.Task[Any]


class RequestIds:
    """The changes under way and the answers of the latest ones, by request id.

    A change runs to its end also if its caller leaves, so that who asks again under the same id
    learns what became of it. A failed one is forgotten once it has failed, and can be tried again;
    where it took effect all the same, or before a restart, its mark tells (``api/marks.py``).
    """

    def __init__(
        self, *, remembered: int = REMEMBERED, remembered_bytes: int = REMEMBERED_BYTES
    ) -> None:
        self._changes: OrderedDict[str, _Change] = OrderedDict()
        self._remembered = remembered
        self._bytes_left = remembered_bytes

    async def once(
        self,
        request_id: str,
        request: Message,
        perform: Callable[[], Coroutine[Any, Any, Response]],
    ) -> Response:
        """The answer of ``perform``, or of the same request before. Raises RequestIdReused."""
        if not request_id:
            return await perform()
        asked = digest(request)
        change = self._changes.get(request_id)
        if change is None:
            change = self._changes[request_id] = _Change(asked, asyncio.create_task(perform()))
            change.task.add_done_callback(partial(self._settle, request_id))
        elif change.digest != asked:
            raise RequestIdReused(request_id)
        answer: Response = await asyncio.shield(change.task)
        return answer

    async def close(self) -> None:
        """Cancels what is still under way."""
        under_way = [change.task for change in self._changes.values() if not change.task.done()]
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    def _settle(self, request_id: str, task: asyncio.Task[Response]) -> None:
        if task.cancelled() or task.exception() is not None:
            del self._changes[request_id]
            return
        self._changes.move_to_end(request_id)
        self._bytes_left -= task.result().ByteSize()
        while len(self._changes) > self._remembered or self._bytes_left < 0:
            if not self._forget_the_oldest():
                return

    def _forget_the_oldest(self) -> bool:
        """Changes under way are passed over; the server bounds how many there are."""
        for request_id, change in self._changes.items():
            if change.task.done():
                self._bytes_left += change.task.result().ByteSize()
                del self._changes[request_id]
                return True
        return False
