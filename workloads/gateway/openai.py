"""OpenAI's routes: ``/v1/models``, ``/v1/chat/completions`` and ``/v1/completions``."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from .bodies import read_body, while_connected
from .failures import answer_to
from .generation import Generation, GenerationFailed, Model, Piece
from .openai_requests import ChatCompletionRequest, CompletionRequest, CompletionSettings
from .openai_responses import (
    DONE,
    ChatDialect,
    CompletionDialect,
    Dialect,
    error_object,
    event,
)

_INVALID = "invalid_request_error"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAI:
    """The routes for one model, served under ``name``."""

    model: Model
    name: str
    created: int = field(default_factory=lambda: int(time.time()))

    async def models(self, _: Request) -> Response:
        entry = {"id": self.name, "object": "model", "created": self.created, "owned_by": "moorage"}
        return JSONResponse({"object": "list", "data": [entry]})

    async def chat_completions(self, request: Request) -> Response:
        try:
            body = await read_body(request, ChatCompletionRequest)
        except ValidationError as error:
            return _refusal(error)
        return await self._complete(request, body, body.generation(), ChatDialect(self.name))

    async def completions(self, request: Request) -> Response:
        try:
            body = await read_body(request, CompletionRequest)
        except ValidationError as error:
            return _refusal(error)
        return await self._complete(request, body, body.generation(), CompletionDialect(self.name))

    async def _complete(
        self, request: Request, body: CompletionSettings, generation: Generation, dialect: Dialect
    ) -> Response:
        if body.model != self.name:
            message = f"The model `{body.model}` does not exist; this server has `{self.name}`."
            code = "model_not_found"
            error = error_object(message, kind=_INVALID, code=code, parameter="model")
            return JSONResponse(error, 404)
        try:
            if body.stream:
                return await while_connected(request, self._streamed(generation, body, dialect))
            return await while_connected(request, self._whole(generation, dialect))
        except GenerationFailed as failed:
            answer = answer_to(failed)
            error = error_object(str(failed), kind=answer.kind, code=answer.code)
            return JSONResponse(error, answer.status, answer.headers)

    async def _whole(self, generation: Generation, dialect: Dialect) -> Response:
        async with aclosing(self.model.generate(generation)) as stream:
            pieces = [piece async for piece in stream]
        text = "".join(piece.text for piece in pieces)
        return JSONResponse(dialect.whole(text, pieces[-1]))

    async def _streamed(
        self, generation: Generation, body: CompletionSettings, dialect: Dialect
    ) -> Response:
        """Waits for the first piece: until then a failure still has a status of its own."""
        stream = self.model.generate(generation)
        first = await anext(stream)
        events = _events(first, stream, dialect, usage_wanted=body.usage_wanted)
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)


async def _events(
    first: Piece, rest: AsyncGenerator[Piece, None], dialect: Dialect, *, usage_wanted: bool
) -> AsyncGenerator[str, None]:
    last = first
    async with aclosing(rest):
        for opening in dialect.opening():
            yield event(opening)
        yield event(dialect.delta(first))
        try:
            async for last in rest:
                yield event(dialect.delta(last))
        except GenerationFailed as failed:
            answer = answer_to(failed)
            yield event(error_object(str(failed), kind=answer.kind, code=answer.code))
            return
        if usage_wanted:
            yield event(dialect.usage(last))
        yield DONE


def _refusal(error: ValidationError) -> Response:
    """The first violation is the error's parameter; the message tells them all."""
    violations = error.errors(include_url=False, include_context=False, include_input=False)
    told = [f"{_path(one['loc'])}: {one['msg']}" for one in violations]
    parameter = _path(violations[0]["loc"])
    return JSONResponse(
        error_object("; ".join(told), kind=_INVALID, code=None, parameter=parameter), 400
    )


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "body"
