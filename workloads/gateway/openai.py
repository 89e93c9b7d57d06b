"""OpenAI's routes: ``/v1/models``, ``/v1/chat/completions`` and ``/v1/completions``."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Send

from . import refusals
from .adapters import Adapters
from .bodies import read_body, while_connected
from .generation import Generation, GenerationFailed, Model, NotFound, Piece
from .interleaving import interleaved
from .limits import Limits
from .openai_requests import ChatCompletionRequest, CompletionRequest, CompletionSettings
from .openai_responses import DONE, ChatDialect, CompletionDialect, Dialect, event

IndexedPieces = AsyncGenerator[tuple[int, Piece], None]


class EventStream(StreamingResponse):
    """Closes its events when the client leaves, and so ends what generates them."""

    def __init__(self, events: AsyncGenerator[str, None]) -> None:
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._events = events

    async def stream_response(self, send: Send) -> None:
        async with aclosing(self._events):
            await super().stream_response(send)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAI:
    """The routes for one model, served under ``name``, and its adapters under theirs."""

    model: Model
    name: str
    adapters: Adapters
    limits: Limits
    created: int = field(default_factory=lambda: int(time.time()))

    async def models(self, _: Request) -> Response:
        return JSONResponse({"object": "list", "data": await self._entries()})

    async def one_model(self, request: Request) -> Response:
        name = request.path_params["name"]
        for entry in await self._entries():
            if entry["id"] == name:
                return JSONResponse(entry)
        raise NotFound(f"The model `{name}` does not exist.")

    async def chat_completions(self, request: Request) -> Response:
        body = await read_body(request, ChatCompletionRequest, self.limits)
        return await while_connected(request, self._complete(body, ChatDialect(body.model)))

    async def completions(self, request: Request) -> Response:
        body = await read_body(request, CompletionRequest, self.limits)
        return await while_connected(request, self._complete(body, CompletionDialect(body.model)))

    async def _complete(self, body: CompletionSettings, dialect: Dialect) -> Response:
        adapters = await self.adapters.meant(body.model, body.adapters or {})
        generations = body.generations(adapters)
        if body.stream:
            return await self._streamed(generations, dialect, usage_wanted=body.usage_wanted)
        return await self._whole(generations, dialect)

    async def _whole(self, generations: list[Generation], dialect: Dialect) -> Response:
        answers: list[list[Piece]] = [[] for _ in generations]
        async with aclosing(self._pieces(generations)) as pieces:
            async for index, piece in pieces:
                answers[index].append(piece)
        return JSONResponse(dialect.whole(answers))

    async def _streamed(
        self, generations: list[Generation], dialect: Dialect, *, usage_wanted: bool
    ) -> Response:
        """Waits for the first piece: until then a failure still has a status of its own."""
        pieces = self._pieces(generations)
        first = await anext(pieces)
        return EventStream(_events(first, pieces, dialect, usage_wanted=usage_wanted))

    def _pieces(self, generations: list[Generation]) -> IndexedPieces:
        return interleaved([self.model.generate(one) for one in generations])

    async def _entries(self) -> list[dict[str, Any]]:
        adapters = await self.adapters.loaded()
        base = self._entry(self.name, parent=None)
        return [base, *(self._entry(name, parent=self.name) for name in adapters)]

    def _entry(self, name: str, *, parent: str | None) -> dict[str, Any]:
        return {
            "id": name,
            "object": "model",
            "created": self.created,
            "owned_by": "moorage",
            "parent": parent,
        }


async def _events(
    first: tuple[int, Piece], rest: IndexedPieces, dialect: Dialect, *, usage_wanted: bool
) -> AsyncGenerator[str, None]:
    # Where usage is wanted, OpenAI's chunks before the last say that they have none.
    no_usage = {"usage": None} if usage_wanted else {}
    lasts: dict[int, Piece] = {}
    async with aclosing(_chained(first, rest)) as pieces:
        try:
            async for index, piece in pieces:
                opening = [] if index in lasts else dialect.opening(index)
                for chunk in (*opening, dialect.delta(index, piece)):
                    yield event(chunk | no_usage)
                lasts[index] = piece
        except GenerationFailed as failed:
            yield event(refusals.of_generation(failed).error_object())
            return
    if usage_wanted:
        yield event(dialect.usage(list(lasts.values())))
    yield DONE


async def _chained(first: tuple[int, Piece], rest: IndexedPieces) -> IndexedPieces:
    async with aclosing(rest):
        yield first
        async for one in rest:
            yield one
