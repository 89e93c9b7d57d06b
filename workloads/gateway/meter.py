"""What the gateway measures, in Prometheus' words."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .generation import Generation, Model, Piece

_SECONDS = (0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2)


class Meter:
    """The metrics, in a registry of their own, so that each gateway of a process has its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "moorage_gateway_requests",
            "HTTP requests answered",
            ["path", "status"],
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "moorage_gateway_requests_in_flight",
            "HTTP requests not answered completely yet",
            registry=self.registry,
        )
        self.tokens = Counter(
            "moorage_gateway_tokens",
            "Tokens of prompts read and of answers written",
            ["kind"],
            registry=self.registry,
        )
        self.first_token_seconds = Histogram(
            "moorage_gateway_time_to_first_token_seconds",
            "From the model being asked to its first piece of text",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.generation_seconds = Histogram(
            "moorage_gateway_generation_seconds",
            "From the model being asked to its last piece of text",
            buckets=_SECONDS,
            registry=self.registry,
        )

    def exposition(self) -> bytes:
        return generate_latest(self.registry)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeteredModel:
    """A model whose answers are measured."""

    model: Model
    meter: Meter

    async def is_ready(self) -> bool:
        return await self.model.is_ready()

    async def generate(self, generation: Generation) -> AsyncGenerator[Piece, None]:
        start = time.perf_counter()
        last: Piece | None = None
        try:
            async with aclosing(self.model.generate(generation)) as pieces:
                async for piece in pieces:
                    if last is None:
                        self.meter.first_token_seconds.observe(time.perf_counter() - start)
                    last = piece
                    yield piece
            self.meter.generation_seconds.observe(time.perf_counter() - start)
        finally:
            if last is not None:
                self.meter.tokens.labels(kind="prompt").inc(last.prompt_tokens)
                self.meter.tokens.labels(kind="completion").inc(last.completion_tokens)

    async def adapters(self) -> tuple[str, ...]:
        return await self.model.adapters()

    async def load_adapter(self, name: str, directory: str) -> None:
        await self.model.load_adapter(name, directory)

    async def unload_adapter(self, name: str) -> None:
        await self.model.unload_adapter(name)


class RequestMeter:
    """ASGI middleware: counts requests of known paths by status, streamed ones to their end."""

    def __init__(self, app: ASGIApp, *, meter: Meter, paths: frozenset[str]) -> None:
        self._app = app
        self._meter = meter
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"] if scope["path"] in self._paths else "other"
        status = "none"

        async def send_noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        with self._meter.in_flight.track_inprogress():
            try:
                await self._app(scope, receive, send_noting_status)
            finally:
                self._meter.requests.labels(path=path, status=status).inc()
