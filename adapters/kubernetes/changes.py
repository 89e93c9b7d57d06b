"""What has changed and was not told yet, each once however often it changed."""

import asyncio
from collections.abc import AsyncIterator
from typing import Generic, TypeVar

R = TypeVar("R")


class Changes(Generic[R]):
    def __init__(self) -> None:
        self._untold: dict[R, None] = {}
        self._some = asyncio.Event()

    def add(self, ref: R) -> None:
        self._untold[ref] = None
        self._some.set()

    async def told(self) -> AsyncIterator[R]:
        """Never ends."""
        while True:
            await self._some.wait()
            self._some.clear()
            refs, self._untold = self._untold, {}
            for ref in refs:
                yield ref
