"""The requests that are at work, and whether more are let in."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Traffic:
    def __init__(self) -> None:
        self._count = 0
        self._none = asyncio.Event()
        self._none.set()
        self._ending = asyncio.Event()

    @property
    def count(self) -> int:
        return self._count

    @property
    def draining(self) -> bool:
        return self._ending.is_set()

    @contextmanager
    def one_more(self) -> Iterator[None]:
        self._count += 1
        self._none.clear()
        try:
            yield
        finally:
            self._count -= 1
            if self._count == 0:
                self._none.set()

    def drain(self) -> None:
        """Lets no more in, from now on."""
        self._ending.set()

    async def none_left(self) -> None:
        await self._none.wait()
