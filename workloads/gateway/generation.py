"""What the gateway asks of a model and gets from it, whatever serves it.

Errors:

    GenerationFailed
    ├── InvalidGeneration    the model refuses the request as it is
    ├── NotFound             the model has no adapter of that name
    ├── Busy                 the model's queue is full; later it may not be
    ├── Unavailable          the model cannot be reached, or is not loaded
    └── TimedOut             the whole answer took too long

The words of a bare GenerationFailed are for the log; those of the others are for users too.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol


class GenerationFailed(Exception):
    """The model gave no complete answer."""


class InvalidGeneration(GenerationFailed):
    pass


class NotFound(GenerationFailed):
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
class AdapterStrength:
    """A loaded adapter by its name; strength 0 is without effect, 1 as it was trained."""

    name: str
    strength: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """``source`` is a text to continue, or a conversation. None leaves a value to the model.

    ``logprobs`` is how many alternatives are wanted for each token, 0 to 20; None: not even the
    token's own probability.
    """

    source: str | tuple[Message, ...]
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None
    seed: int | None = None
    stops: tuple[str, ...] = ()
    logprobs: int | None = None
    adapters: tuple[AdapterStrength, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLogprob:
    """A token and the natural logarithm of its probability.

    ``bytes`` tells a token that is only a part of a character, which ``token`` cannot. ``top`` has
    the likeliest tokens of the same place.
    """

    token: str
    logprob: float
    bytes: tuple[int, ...]
    top: tuple["TokenLogprob", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some more text. Token counts are totals so far; the last piece has the finish reason."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    finish_reason: str | None
    logprobs: tuple[TokenLogprob, ...] = ()


class Model(Protocol):
    async def is_ready(self) -> bool:
        """Whether the model is loaded and takes requests; False also where nobody answers."""
        ...

    def generate(self, generation: Generation) -> AsyncGenerator[Piece, None]:
        """The answer, piece by piece. Closing the generator cancels the request.

        Raises GenerationFailed, from the iteration.
        """
        ...

    async def adapters(self) -> tuple[str, ...]:
        """The names of the loaded adapters. Raises GenerationFailed."""
        ...

    async def load_adapter(self, name: str, directory: str) -> None:
        """Loads an adapter from a directory that the model can read. Raises GenerationFailed."""
        ...

    async def unload_adapter(self, name: str) -> None:
        """Raises GenerationFailed: NotFound where no adapter has that name."""
        ...
