"""Sixteen clients at a real Triton and gateway for a long time, while things go wrong.

``python -m tests.benchmarks.soak [--minutes 20]``: clients leave in mid-answer, an adapter is
loaded and unloaded again and again, the process that runs the model is killed. Every whole answer
is compared with what the same question got alone, before. Told at the end: answers, wrong tokens,
failures by status, and what memory, shared memory and slots were used over time.
"""

import asyncio
import json
import os
import random
import signal
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import aiohttp
import psutil
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tests.benchmarks.stack import model_repository, stack
from tests.served_model import (
    PRESET,
    ServedModel,
)
from tests.triton_models.tiny_adapter import random_adapter, write_adapter
from triton_models.chat_lm.generation.manifest import read_manifest

CLIENTS = 16
TOKENS = 24
SWAPPED = "swapped"
ADAPTERS = ({}, {"first": 0.5}, {"second": 1.0}, {"first": 1.0, "second": 0.25}, {SWAPPED: 1.0})
QUESTIONS = (
    "What is the capital of France?",
    "Count from one to ten.",
    "Write a line about the sea.",
    "Why is the sky blue? Explain it to a child, with an example from daily life.",
    "Name three colours. " * 12,
    "Summarise: " + "ships sail and harbours wait, " * 40,
)
RETRYABLE = {429, 503}
GONE = 404  # what a request for the swapped adapter gets while it is not there

Case = tuple[str, str]


@dataclass(slots=True)
class Found:
    whole: int = 0
    left: int = 0
    tokens: int = 0
    wrong: list[str] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    swaps: int = 0
    memory: list[dict[str, float]] = field(default_factory=list)


class Soak:
    def __init__(self, served: ServedModel, url: str, http: aiohttp.ClientSession) -> None:
        self._served = served
        self._url = url
        self._http = http
        self._expected: dict[Case, str] = {}
        self._random = random.Random(7)
        self.found = Found()

    async def learn(self) -> None:
        """What each question gets alone."""
        await self._command("load_lora_adapter", lora_name=SWAPPED, lora_path=SWAPPED)
        for question in QUESTIONS:
            for adapters in ADAPTERS:
                status, text, _ = await self._ask(question, adapters, leave_after=None)
                assert status == 200, text
                self._expected[question, json.dumps(adapters)] = text
        self.found = Found()

    async def client(self) -> None:
        while True:
            question, adapters = self._random.choice(QUESTIONS), self._random.choice(ADAPTERS)
            leave_after = self._random.choice((None, None, None, 1, 5))
            status, text, whole = await self._ask(question, adapters, leave_after)
            expected = self._expected[question, json.dumps(adapters)]
            if status == 200:
                right = text == expected if whole else expected.startswith(text)
                if not right:
                    self.found.wrong.append(f"{adapters} {question[:20]!r}: {text!r}")
                continue
            fine = status in RETRYABLE or (status == GONE and SWAPPED in adapters)
            self.found.failures[f"{status}{'' if fine else ' NOT RETRYABLE'}: {text[:70]}"] += 1
            await asyncio.sleep(0.5)

    async def swap(self) -> None:
        while True:
            await asyncio.sleep(7)
            await self._command("unload_lora_adapter", lora_name=SWAPPED)
            await asyncio.sleep(1)
            await self._command("load_lora_adapter", lora_name=SWAPPED, lora_path=SWAPPED)
            self.found.swaps += 1

    async def kill(self, every_seconds: float) -> None:
        """Kills the model's process, and does what whoever notices it does: load it anew."""
        while True:
            await asyncio.sleep(every_seconds)
            os.kill(self._served.stub.pid, signal.SIGKILL)
            self.found.kills += 1
            await asyncio.sleep(3)
            for verb in ("unload", "load"):
                path = f"/v2/repository/models/{PRESET}/{verb}"
                async with self._http.post(f"http://{self._served.http}{path}", json={}):
                    pass

    async def watch(self) -> None:
        while True:
            await asyncio.sleep(5)
            server = psutil.Process(self._served.process.pid)
            prefix = f"moorage_test_{self._served.http.rpartition(':')[2]}_"
            regions = shared_regions(prefix)
            stubs = [child.memory_info().rss for child in server.children()]
            self.found.memory.append(
                {
                    "server MB": server.memory_info().rss / 1e6,
                    "model MB": sum(stubs) / 1e6,
                    "shared memory MB": sum(regions) / 1e6,
                    "shared regions": len(regions),
                }
            )

    async def held(self) -> dict[str, float]:
        async with self._http.get(f"http://{self._served.metrics}/metrics") as response:
            lines = (await response.text()).splitlines()
        told = [line for line in lines if line.startswith("chat_lm_")]
        return {line.partition("{")[0]: float(line.split()[-1]) for line in told}

    async def _command(self, verb: str, **body: str) -> None:
        """Failures are those of a model that is being loaded anew: it is asked again."""
        for _ in range(60):
            async with self._http.post(f"{self._url}/v1/{verb}", json=body) as response:
                answer = await response.text()
                if response.status == 200 or "loaded already" in answer or "not loaded" in answer:
                    return
            await asyncio.sleep(0.5)

    async def _ask(
        self, question: str, adapters: dict[str, float], leave_after: int | None
    ) -> tuple[int, str, bool]:
        """Status, text or error, and whether the answer is whole."""
        body = {
            "model": PRESET,
            "messages": [{"role": "user", "content": question}],
            "max_tokens": TOKENS,
            "temperature": 0,
            "stream": True,
            "adapters": adapters,
        }
        pieces: list[str] = []
        try:
            async with self._http.post(
                f"{self._url}/v1/chat/completions", json={k: v for k, v in body.items() if v != {}}
            ) as response:
                if response.status != 200:
                    return response.status, (await response.text()), True
                async for line in response.content:
                    if not line.startswith(b"data: {"):
                        continue
                    event = json.loads(line[6:])
                    if "error" in event:
                        return _status(event["error"]), event["error"]["message"], True
                    pieces.append(event["choices"][0]["delta"].get("content", ""))
                    if leave_after is not None and len(pieces) > leave_after:
                        self.found.left += 1
                        return 200, "".join(pieces), False
        except aiohttp.ClientError as error:
            return 0, repr(error), True
        self.found.whole += 1
        self.found.tokens += TOKENS
        return 200, "".join(pieces), True


def shared_regions(prefix: str) -> list[int]:
    """The sizes in bytes of a Triton's regions of shared memory."""
    return [path.stat().st_size for path in Path("/dev/shm").glob(f"{prefix}*")]


def _status(error: dict[str, str]) -> int:
    """An error within a stream has no status of its own; its code tells it."""
    return {"model_unavailable": 503, "rate_limit_exceeded": 429}.get(error["code"], 500)


@asynccontextmanager
async def _soak() -> AsyncIterator[Soak]:
    with model_repository() as repository, TemporaryDirectory(prefix="moorage-soak-") as scratch:
        folder = Path(scratch)
        shape = read_manifest(repository / PRESET / "1").shape
        for seed, name in enumerate(("first", "second", SWAPPED)):
            tensors = random_adapter(shape, rank=8, seed=seed, size=0.02)
            write_adapter(folder / name, tensors, rank=8)
        environment = {
            "MOORAGE_ADAPTERS_DIRECTORY": scratch,
            "MOORAGE_ADAPTERS": ",".join(f"{name}={folder / name}" for name in ("first", "second")),
        }
        timeout = aiohttp.ClientTimeout(total=120)
        with stack(repository, environment) as running:
            async with aiohttp.ClientSession(timeout=timeout) as http:
                yield Soak(running.triton, running.url, http)


async def _run(minutes: float, kill_every: float) -> Found:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    async with _soak() as soak:
        await soak.learn()
        work = [soak.client() for _ in range(CLIENTS)]
        work += [soak.swap(), soak.kill(kill_every), soak.watch()]
        tasks = [asyncio.create_task(one) for one in work]
        end = time.monotonic() + minutes * 60
        with Progress(*columns, console=Console(stderr=True)) as progress:
            bar = progress.add_task("soaking", total=minutes * 60)
            while (left := end - time.monotonic()) > 0:
                ended = [task for task in tasks if task.done()]
                for task in ended:
                    task.result()
                said = f"{soak.found.whole} answers, {len(soak.found.wrong)} wrong"
                progress.update(bar, completed=minutes * 60 - left, description=said)
                await asyncio.sleep(1)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(10)
        Console().print("held at the end:", await soak.held())
        return soak.found


def main(
    minutes: Annotated[float, typer.Option(help="How long.")] = 20.0,
    kill_every: Annotated[float, typer.Option(help="Seconds between kills.")] = 150.0,
) -> None:
    """Look for leaks and wrong tokens under load."""
    found = asyncio.run(_run(minutes, kill_every))
    console = Console()
    console.print(
        f"{found.whole} whole answers ({found.tokens} tokens), {found.left} left in the middle, "
        f"{found.kills} kills, {found.swaps} swaps of an adapter"
    )
    console.print(f"wrong: {len(found.wrong)}", *found.wrong[:10], sep="\n  ")
    for failure, count in found.failures.most_common(20):
        console.print(f"{count:6} x {failure}", markup=False)
    table = Table("what", "first tenth", "last tenth", "most")
    tenth = max(len(found.memory) // 10, 1)
    for name in found.memory[0]:
        values = [sample[name] for sample in found.memory]
        first, last = statistics.median(values[:tenth]), statistics.median(values[-tenth:])
        table.add_row(name, f"{first:.0f}", f"{last:.0f}", f"{max(values):.0f}")
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
