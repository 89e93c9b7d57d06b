"""What gateway and Triton cost over the bare engine, and how streams fare while a prompt joins.

``python -m tests.benchmarks.serving [--rounds 7] [--precision fp32]``. The engine in this process
and the whole path answer the same prompts in turn; medians and their ratios are told.
"""

import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import aiohttp
import typer
from rich.console import Console
from rich.table import Table

from moorage.load import percentile
from simulator.kubelet import triton_installation
from tests.benchmarks.generation import engine
from tests.served_model import PRESET, cache_directory, started_triton, wait_until_ready
from tests.workloads.conftest import running_gateway
from triton_models.chat_lm.generation.manifest import Precision, read_manifest
from triton_models.chat_lm.generation.text import Language
from workloads.weights.build import Build, ensure_entry
from workloads.weights.presets import FETCHABLE

STREAMS = (1, 4, 16)
TOKENS = 48
LONG = "The harbour was full of ships, and each of them had a story of its own. " * 24


class Served:
    """The gateway before a real Triton."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def stream(self, prompt: str, tokens: int) -> list[float]:
        """When each piece came, by ``time.perf_counter``."""
        body = {"model": PRESET, "prompt": prompt, "max_tokens": tokens, "temperature": 0}
        async with self._http.post("/v1/completions", json={**body, "stream": True}) as response:
            return [
                time.perf_counter()
                async for line in response.content
                if line.startswith(b"data: {") and json.loads(line[6:])["choices"][0]["text"]
            ]

    async def seconds(self, prompts: list[str]) -> tuple[float, float]:
        """Until all were answered, and the median until a first token."""
        start = time.perf_counter()
        told = await asyncio.gather(*(self.stream(prompt, TOKENS) for prompt in prompts))
        return time.perf_counter() - start, statistics.median(one[0] - start for one in told)

    async def gaps_while_joined(self, streams: int) -> tuple[list[float], list[float]]:
        """Gaps between pieces of running streams: undisturbed, and while a long prompt joins."""
        prompts = [f"{number}. Once upon a time" for number in range(streams)]
        running = [asyncio.create_task(self.stream(prompt, 96)) for prompt in prompts]
        await asyncio.sleep(1.5)
        joined = time.perf_counter()
        (first, *_) = await self.stream(f"{joined} {LONG}", 2)
        gaps: tuple[list[float], list[float]] = [], []
        for times in await asyncio.gather(*running):
            for earlier, later in pairwise(times):
                disturbed = earlier < first and later > joined
                if later < first:
                    gaps[disturbed].append(later - earlier)
        return gaps


@asynccontextmanager
async def served(precision: Precision) -> AsyncIterator[tuple[Served, Language]]:
    with TemporaryDirectory(prefix="moorage-serving-") as scratch:
        directory = Path(scratch)
        repository = directory / "models"
        build = Build(
            preset=PRESET,
            weights=FETCHABLE[PRESET],
            repository=repository,
            cache=cache_directory() / "weights",
            precision=precision,
        )
        ensure_entry(build, Console(stderr=True).print)
        entry = repository / PRESET / "1"
        end = read_manifest(entry).shape.end_tokens[0]
        installation = triton_installation.install(cache_directory(), Console(stderr=True).print)
        with started_triton(installation, repository, directory / "log") as triton:
            wait_until_ready(triton)
            with running_gateway(triton.grpc, directory / "gateway.log") as gateway:
                timeout = aiohttp.ClientTimeout(total=300)
                async with aiohttp.ClientSession(gateway.url, timeout=timeout) as http:
                    yield Served(http), Language(entry, begin_token=None, end_token=end)


async def _run(precision: Precision, rounds: int, threads: int) -> None:
    raw = engine(precision, threads)
    table = Table("streams", "engine tokens/s", "path tokens/s", "ratio", "first token", "ratio")
    async with served(precision) as (path, language):
        for streams in STREAMS:
            bare: list[tuple[float, float]] = []
            whole: list[tuple[float, float]] = []
            for round_ in range(rounds + 1):
                prompts = [f"{round_}.{one}. Once upon a time, far away" for one in range(streams)]
                tokens = [language.encode(prompt) for prompt in prompts]
                found = await asyncio.to_thread(raw, tokens, TOKENS)
                bare.append((found["seconds"], statistics.median(found["first_seconds"])))
                whole.append(await path.seconds(prompts))
            speed, first = (statistics.median(one[i] for one in bare[1:]) for i in (0, 1))
            seconds, path_first = (statistics.median(one[i] for one in whole[1:]) for i in (0, 1))
            table.add_row(
                str(streams),
                f"{streams * TOKENS / speed:.0f}",
                f"{streams * TOKENS / seconds:.0f}",
                f"{speed / seconds:.3f}",
                f"{path_first * 1000:.0f} ms",
                f"{path_first / first:.2f}",
            )
        Console().print(table)
        for streams in (1, 4):
            quiet, joined = await path.gaps_while_joined(streams)
            told = ", ".join(
                f"{name} median {statistics.median(gaps) * 1000:.0f} ms, "
                f"p99 {percentile(gaps, 0.99) * 1000:.0f} ms"
                for name, gaps in (("undisturbed", quiet), ("while 400 tokens join", joined))
            )
            Console().print(f"{streams} stream(s): gaps {told}")


def main(
    rounds: Annotated[int, typer.Option(help="Of each number of streams.")] = 7,
    precision: Precision = Precision.FP32,
    threads: Annotated[int, typer.Option(help="Of the bare engine; Triton uses all cores.")] = 2,
) -> None:
    """Compare the whole path with the bare engine."""
    asyncio.run(_run(precision, rounds, threads))


if __name__ == "__main__":
    typer.run(main)
