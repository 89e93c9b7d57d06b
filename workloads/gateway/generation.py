"""What the gateway asks of a model and gets from it, whatever serves it.

Errors:

    GenerationFailed
    ├── InvalidGeneration    the model refuses the request as it is
    ├── Busy                 the model's queue is full; later it may not be
    ├── Unavailable          the model cannot be reached, or is not loaded
    └── TimedOut             the whole answer took too long
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol


class GenerationFailed(Exception):
    """The model gave no complete answer."""


class InvalidGeneration(GenerationFailed):
    pass


class Busy(GenerationFailed):
    pass


class Unavailable(GenerationFailed):
    pass


class TimedOut(GenerationFailed):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    role: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """``source`` is a text to continue, or a conversation. None leaves a value to the model."""

    source: str | tuple[Message, ...]
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    stops: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some more text. Token counts are totals so far; the last piece has the finish reason."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    finish_reason: str | None


class Model(Protocol):
    async def is_ready(self) -> bool:
        """Whether the model is loaded and takes requests; False also where nobody answers."""
        ...

    def generate(self, generation: Generation) -> AsyncGenerator[Piece, None]:
        """The answer, piece by piece. Closing the generator cancels the request.

        Raises GenerationFailed, from the iteration.
        """
        ...
