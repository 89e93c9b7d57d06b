"""``POST /chat``, the route of KAITO's first runtime, kept because its users type it.

Adapters that a workspace declares are all applied, at their strengths, as that runtime does. Two
things differ from it, on purpose:

- The prompt is asked as a user's message, through the model's chat template, and the answer alone
  comes back. KAITO continues the bare prompt and repeats it before the answer; who wants the
  repetition says ``"return_full_text": true``.
- A length counts the answer's tokens alone. KAITO's ``max_length`` counts the prompt too, so that
  a long prompt gets next to no answer.

Values that KAITO's runtime took but that this one cannot honour are refused, not ignored.
"""

import time
from collections.abc import Mapping
from contextlib import aclosing
from typing import Annotated, Literal

from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .bodies import read_body, while_connected
from .generation import AdapterStrength, Generation, Message, Model, Piece
from .limits import Limits
from .sampling import MAX_MESSAGES, SamplingSettings, Stops, Tokens


class ChatMessage(BaseModel):
    role: str
    content: str


class GenerateKwargs(SamplingSettings):
    """The generation settings that can be honoured, and the neutral values of those that cannot."""

    max_new_tokens: Tokens | None = None
    max_length: Tokens | None = None
    do_sample: bool = True
    stop_strings: Stops = ()
    min_length: Literal[0] = 0
    num_beams: Literal[1] = 1
    typical_p: Literal[1] = 1
    # Without effect on a single beam; the end and padding tokens are the model's own.
    early_stopping: bool = False
    pad_token_id: int | None = None
    eos_token_id: int | None = None


class ChatRequest(BaseModel):
    prompt: str | None = None
    messages: Annotated[list[ChatMessage], Field(max_length=MAX_MESSAGES)] | None = None
    return_full_text: bool = False
    clean_up_tokenization_spaces: Literal[False] = False
    prefix: None = None
    handle_long_generation: None = None
    generate_kwargs: GenerateKwargs = GenerateKwargs()


class KaitoChat:
    def __init__(self, model: Model, limits: Limits, strengths: Mapping[str, float]) -> None:
        self._model = model
        self._limits = limits
        self._adapters = tuple(
            AdapterStrength(name=name, strength=strength) for name, strength in strengths.items()
        )

    async def answer(self, request: Request) -> Response:
        body = await read_body(request, ChatRequest, self._limits)
        if bool(body.prompt) == bool(body.messages):
            raise HTTPException(400, "give either prompt or messages")
        return await while_connected(request, self._answer(body))

    async def _answer(self, body: ChatRequest) -> Response:
        start = time.perf_counter()
        first_seconds: float | None = None
        pieces: list[Piece] = []
        async with aclosing(self._model.generate(_generation(body, self._adapters))) as stream:
            async for piece in stream:
                first_seconds = first_seconds or time.perf_counter() - start
                pieces.append(piece)
        text = "".join(piece.text for piece in pieces)
        if body.return_full_text and body.prompt:
            text = body.prompt + text
        timing = _timing(first_seconds or 0, time.perf_counter() - start)
        return JSONResponse({"Result": text}, headers={**_counts(pieces[-1]), **timing})


def _generation(body: ChatRequest, adapters: tuple[AdapterStrength, ...]) -> Generation:
    settings = body.generate_kwargs
    said = body.messages or [ChatMessage(role="user", content=body.prompt or "")]
    return Generation(
        source=tuple(Message(role=one.role, content=one.content) for one in said),
        max_tokens=settings.max_new_tokens or settings.max_length,
        temperature=settings.temperature if settings.do_sample else 0.0,
        top_p=settings.top_p,
        top_k=settings.top_k,
        min_p=settings.min_p,
        repetition_penalty=settings.repetition_penalty,
        seed=settings.seed,
        stops=settings.stop_strings,
        adapters=adapters,
    )


def _counts(last: Piece) -> dict[str, str]:
    return {
        "X-Prompt-Tokens": str(last.prompt_tokens),
        "X-Completion-Tokens": str(last.completion_tokens),
    }


def _timing(first_seconds: float, total_seconds: float) -> dict[str, str]:
    """The header of W3C's Server Timing; durations in milliseconds."""
    first, total = first_seconds * 1000, total_seconds * 1000
    return {"Server-Timing": f"first-token;dur={first:.1f}, generation;dur={total:.1f}"}
