"""The gateway on a real socket before a model whose part is written in the test.

For what is the gateway's own: the real model answers in ``test_gateway.py``.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.served_model import free_ports
from workloads.gateway.api_key import ApiKeyFile
from workloads.gateway.application import gateway
from workloads.gateway.generation import Generation, NotFound, Piece, TokenLogprob
from workloads.gateway.limits import Limits
from workloads.gateway.server import DrainingServer, Tls, server
from workloads.gateway.traffic import Traffic

BASE = "base"
LIMITS = Limits()
Script = Callable[[Generation], AsyncGenerator[Piece, None]]


def said(text: str, count: int, reason: str | None = None, *logprobs: TokenLogprob) -> Piece:
    return Piece(
        text=text,
        prompt_tokens=7,
        completion_tokens=count,
        finish_reason=reason,
        logprobs=logprobs,
    )


async def two_words(_: Generation) -> AsyncGenerator[Piece, None]:
    yield said("Hello", 1)
    yield said(" world", 2, "stop")


async def endless(_: Generation) -> AsyncGenerator[Piece, None]:
    count = 0
    while True:
        count += 1
        yield said("and ", count)
        await asyncio.sleep(0.01)


async def silent(_: Generation) -> AsyncGenerator[Piece, None]:
    """As a request that waits in the model's queue."""
    await asyncio.sleep(math.inf)
    yield said("never", 1, "stop")


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while True:
            if holds():
                return
            await asyncio.sleep(0.01)


@dataclass
class ScriptedModel:
    script: Script = two_words
    asked: list[Generation] = field(default_factory=list)
    running: int = 0
    directories: dict[str, str] = field(default_factory=dict)

    async def is_ready(self) -> bool:
        return True

    async def generate(self, generation: Generation) -> AsyncGenerator[Piece, None]:
        self.asked.append(generation)
        self.running += 1
        try:
            async for piece in self.script(generation):
                yield piece
        finally:
            self.running -= 1

    async def adapters(self) -> tuple[str, ...]:
        return tuple(self.directories)

    async def load_adapter(self, name: str, directory: str) -> None:
        self.directories[name] = directory

    async def unload_adapter(self, name: str) -> None:
        if self.directories.pop(name, None) is None:
            raise NotFound(f"no adapter {name} is loaded")

    async def until_running(self, count: int) -> None:
        await until(lambda: self.running == count)


@dataclass(frozen=True)
class Served:
    port: int
    server: DrainingServer
    traffic: Traffic

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def serving(
    model: ScriptedModel,
    *,
    limits: Limits = LIMITS,
    key: ApiKeyFile | None = None,
    tls: Tls | None = None,
    adapter_strengths: dict[str, float] | None = None,
) -> AsyncIterator[Served]:
    port, traffic = free_ports(1)[0], Traffic()
    app = gateway(
        model,
        BASE,
        traffic=traffic,
        limits=limits,
        key=key,
        adapter_strengths=adapter_strengths or {},
    )
    running = server(
        app,
        host="127.0.0.1",
        port=port,
        limits=limits,
        traffic=traffic,
        drain_seconds=10,
        tls=tls,
    )
    task = asyncio.create_task(running.serve())
    try:
        while not running.started:
            await asyncio.sleep(0.01)
            assert not task.done()
        yield Served(port=port, server=running, traffic=traffic)
    finally:
        running.should_exit = True
        await task
