"""Puts a served model under load, and measures what its clients see."""

import asyncio
import statistics
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import pairwise

from moorage.failure import Failure
from moorage.gateway import Gateway, Message, Sampling, Speed

_TOPICS = ("harbours", "lighthouses", "tides", "ropes", "anchors", "pilots", "canals", "cranes")
_FILLER = "Consider what sailors know, what merchants want, and what the weather allows. "


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer as its client saw it, in seconds; ``gaps`` lie between its pieces."""

    tokens: int
    first_seconds: float
    gaps: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What so many clients at once got: medians, and the worst but one in a hundred (p99).

    ``tokens_per_second`` counts the tokens of all answers over the time that all took.
    """

    streams: int
    answers: int
    failed: int
    tokens_per_second: float
    first_seconds: float
    first_seconds_p99: float
    gap_seconds: float
    gap_seconds_p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """``each``: how many answers every client asks for, one after the other."""

    each: int
    long_prompts: bool
    sampling: Sampling

    def messages(self, client: int, number: int) -> list[Message]:
        """A question that no other begins with, so that nothing of it is computed already."""
        topic = _TOPICS[(client + number) % len(_TOPICS)]
        filler = _FILLER * 25 if self.long_prompts else ""
        asked = f"{client}.{number}: {filler}Write a long story about {topic}."
        return [{"role": "user", "content": asked}]


async def measure(
    model: Gateway, levels: Sequence[int], workload: Workload
) -> AsyncGenerator[Level, None]:
    """Each number of clients in turn. Raises Failure where no answer comes at all."""
    await _answer(model, workload.messages(0, 0), workload.sampling)  # whatever is slow at first
    for streams in levels:
        yield await _measure(model, streams, workload)


async def _measure(model: Gateway, streams: int, workload: Workload) -> Level:
    start = time.perf_counter()
    clients = (_client(model, client, workload) for client in range(streams))
    found = [one for answers in await asyncio.gather(*clients) for one in answers]
    seconds = time.perf_counter() - start
    answers = [one for one in found if isinstance(one, Answer)]
    if not answers:
        raise found[0] if isinstance(found[0], Failure) else Failure("nothing was answered")
    firsts = [one.first_seconds for one in answers]
    gaps = [gap for one in answers for gap in one.gaps] or [0.0]
    return Level(
        streams=streams,
        answers=len(answers),
        failed=len(found) - len(answers),
        tokens_per_second=sum(one.tokens for one in answers) / seconds,
        first_seconds=statistics.median(firsts),
        first_seconds_p99=percentile(firsts, 0.99),
        gap_seconds=statistics.median(gaps),
        gap_seconds_p99=percentile(gaps, 0.99),
    )


async def _client(model: Gateway, client: int, workload: Workload) -> list[Answer | Failure]:
    found: list[Answer | Failure] = []
    for number in range(workload.each):
        try:
            messages = workload.messages(client, number + 1)
            found.append(await _answer(model, messages, workload.sampling))
        except Failure as failure:
            found.append(failure)
    return found


async def _answer(model: Gateway, messages: list[Message], sampling: Sampling) -> Answer:
    start = time.perf_counter()
    times: list[float] = []
    tokens = 0
    async with aclosing(model.stream(messages, sampling)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Speed):
                tokens = piece.completion_tokens
            else:
                times.append(time.perf_counter() - start)
    if not times:
        raise Failure("the model answered with no text")
    gaps = tuple(later - earlier for earlier, later in pairwise(times))
    return Answer(tokens=tokens, first_seconds=times[0], gaps=gaps)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least that ``share`` of all values do not exceed."""
    ordered = sorted(values)
    place = -(-len(ordered) * share // 1)
    return ordered[max(int(place), 1) - 1]
