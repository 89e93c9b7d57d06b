"""Several answers to one request, generated at once."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from .generation import Piece


async def interleaved(
    answers: Sequence[AsyncGenerator[Piece, None]],
) -> AsyncGenerator[tuple[int, Piece], None]:
    """All pieces as they come, each with the index of its answer.

    The failure of one is the failure of all; closing this closes all. No task group: this may be
    iterated by one task and closed by another.
    """
    awaited = {_next_of(answer): index for index, answer in enumerate(answers)}
    try:
        while awaited:
            done, _ = await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            for task in sorted(done, key=awaited.__getitem__):
                try:
                    piece = task.result()
                except StopAsyncIteration:
                    del awaited[task]
                    continue
                index = awaited.pop(task)
                awaited[_next_of(answers[index])] = index
                yield index, piece
    finally:
        for task in awaited:
            task.cancel()
        await asyncio.gather(*awaited, return_exceptions=True)
        for answer in answers:
            await answer.aclose()


def _next_of(answer: AsyncGenerator[Piece, None]) -> asyncio.Task[Piece]:
    return asyncio.create_task(_anext(answer))


async def _anext(answer: AsyncGenerator[Piece, None]) -> Piece:
    return await anext(answer)
