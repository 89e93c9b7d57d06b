"""The latest output of a container, for those who attach to it.

A bounded piece of the past is kept, so that a client which attaches a moment after the start, or
after the end, of a short-lived container still sees all it wrote. A reader who falls behind that
piece is told how much was dropped: no client can make a container wait.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from simulator.kubernetes.pod_streams import Channel

CAPACITY_BYTES = 1024 * 1024


class Transcript:
    def __init__(self, capacity_bytes: int = CAPACITY_BYTES) -> None:
        self._capacity = capacity_bytes
        self._pieces: deque[tuple[Channel, bytes]] = deque()
        self._size = 0
        self._dropped = 0
        self._closed = False
        self._grown = asyncio.Event()

    @property
    def end(self) -> int:
        """The number of pieces written so far: the position of a reader of only what follows."""
        return self._dropped + len(self._pieces)

    def append(self, channel: Channel, data: bytes) -> None:
        self._pieces.append((channel, data))
        self._size += len(data)
        while self._size > self._capacity and len(self._pieces) > 1:
            self._size -= len(self._pieces.popleft()[1])
            self._dropped += 1
        self._wake()

    def close(self) -> None:
        self._closed = True
        self._wake()

    async def read_from(self, position: int) -> AsyncIterator[tuple[Channel, bytes]]:
        """Until the transcript is closed and all of it was read."""
        while True:
            if position < self._dropped:
                yield Channel.STDERR, b"\r\n[output was dropped: this client reads too slowly]\r\n"
                position = self._dropped
            if position < self.end:
                yield self._pieces[position - self._dropped]
                position += 1
            elif self._closed:
                return
            else:
                await self._grown.wait()

    def tail(self, max_bytes: int) -> str:
        """The end of what was written, as text."""
        collected = b"".join(data for _, data in self._pieces)
        return collected[-max_bytes:].decode(errors="replace")

    def _wake(self) -> None:
        """Wakes all readers; those that come later wait for the next piece."""
        self._grown.set()
        self._grown = asyncio.Event()
