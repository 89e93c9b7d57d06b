"""What gateway and Triton cost over the bare engine, and how streams fare while a prompt joins.

``python -m tests.benchmarks.serving [--rounds 7] [--precision fp32]``. The engine in this process
and the whole path answer the same prompts in turn; medians and their ratios are told.
"""

import asyncio
import json
import statistics
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

import aiohttp
import typer
from rich.console import Console
from rich.table import Table

from moorage.load import percentile
from tests.benchmarks.generation import Contestant, engine
from tests.benchmarks.stack import model_repository, stack
from tests.served_model import PRESET
from triton_models.chat_lm.generation.manifest import Precision, read_manifest
from triton_models.chat_lm.generation.text import Language

STREAMS = (1, 4, 16)
TOKENS = 48
LONG = "The harbour was full of ships, and each of them had a story of its own. " * 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """When each piece of an answer came, by ``time.perf_counter``."""

    times: list[float]
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    tokens_per_second: float
    first_seconds: float


class Path:
    """From a client through the gateway to a real Triton."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def stream(self, prompt: str, tokens: int) -> Heard:
        body = {"model": PRESET, "prompt": prompt, "max_tokens": tokens, "temperature": 0}
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        times, count = [], 0
        async with self._http.post("/v1/completions", json=body) as response:
            async for line in response.content:
                if not line.startswith(b"data: {"):
                    continue
                event = json.loads(line[6:])
                if event["choices"] and event["choices"][0]["text"]:
                    times.append(time.perf_counter())
                elif usage := event.get("usage"):
                    count = usage["completion_tokens"]
        return Heard(times=times, tokens=count)

    async def speed(self, prompts: list[str]) -> Speed:
        start = time.perf_counter()
        heard = await asyncio.gather(*(self.stream(prompt, TOKENS) for prompt in prompts))
        seconds = time.perf_counter() - start
        return Speed(
            tokens_per_second=sum(one.tokens for one in heard) / seconds,
            first_seconds=statistics.median(one.times[0] - start for one in heard),
        )

    async def gaps(self, streams: int) -> tuple[list[float], list[float]]:
        """Seconds between pieces of running streams: undisturbed, and while a long prompt joins."""
        prompts = [f"{number}. Once upon a time" for number in range(streams)]
        running = [asyncio.create_task(self.stream(prompt, 96)) for prompt in prompts]
        await asyncio.sleep(1.5)
        joins = time.perf_counter()
        joined = (await self.stream(f"{joins} {LONG}", 2)).times[0]
        undisturbed, disturbed = [], []
        for heard in await asyncio.gather(*running):
            for earlier, later in pairwise(heard.times):
                if later < joins:
                    undisturbed.append(later - earlier)
                elif earlier < joined:
                    disturbed.append(later - earlier)
        return undisturbed, disturbed


async def _run(precision: Precision, rounds: int, threads: int) -> None:
    raw = engine(precision, threads)
    timeout = aiohttp.ClientTimeout(total=300)
    with model_repository(precision) as repository, stack(repository) as running:
        end = read_manifest(running.model).shape.end_tokens[0]
        language = Language(running.model, begin_token=None, end_token=end)
        async with aiohttp.ClientSession(running.url, timeout=timeout) as http:
            path = Path(http)
            Console().print(await _compared(path, raw, language, rounds))
            for streams in STREAMS[:2]:
                Console().print(_told(streams, *await path.gaps(streams)))


async def _compared(path: Path, raw: Contestant, language: Language, rounds: int) -> Table:
    table = Table("streams", "engine tokens/s", "path tokens/s", "ratio", "first token", "ratio")
    for streams in STREAMS:
        bare: list[Speed] = []
        whole: list[Speed] = []
        for round_ in range(rounds + 1):  # the first one warms up
            prompts = [f"{round_}.{one}. Once upon a time, far away" for one in range(streams)]
            tokens = [language.encode(prompt) for prompt in prompts]
            found = await asyncio.to_thread(raw, tokens, TOKENS)
            bare.append(
                Speed(
                    tokens_per_second=streams * TOKENS / found["seconds"],
                    first_seconds=statistics.median(found["first_seconds"]),
                )
            )
            whole.append(await path.speed(prompts))
        one, other = _median(bare[1:]), _median(whole[1:])
        table.add_row(
            str(streams),
            f"{one.tokens_per_second:.0f}",
            f"{other.tokens_per_second:.0f}",
            f"{other.tokens_per_second / one.tokens_per_second:.3f}",
            f"{other.first_seconds * 1000:.0f} ms",
            f"{other.first_seconds / one.first_seconds:.2f}",
        )
    return table


def _median(speeds: list[Speed]) -> Speed:
    return Speed(
        tokens_per_second=statistics.median(one.tokens_per_second for one in speeds),
        first_seconds=statistics.median(one.first_seconds for one in speeds),
    )


def _told(streams: int, undisturbed: list[float], disturbed: list[float]) -> str:
    told = (
        f"{name}: median {statistics.median(gaps) * 1000:.0f} ms, "
        f"p99 {percentile(gaps, 0.99) * 1000:.0f} ms"
        for name, gaps in (("undisturbed", undisturbed), ("400 tokens join", disturbed))
    )
    return f"gaps of {streams} stream(s), {'; '.join(told)}"


def main(
    rounds: Annotated[int, typer.Option(help="Of each number of streams.")] = 7,
    precision: Precision = Precision.FP32,
    threads: Annotated[int, typer.Option(help="Of the bare engine; Triton uses all cores.")] = 2,
) -> None:
    """Compare the whole path with the bare engine."""
    asyncio.run(_run(precision, rounds, threads))


if __name__ == "__main__":
    typer.run(main)
