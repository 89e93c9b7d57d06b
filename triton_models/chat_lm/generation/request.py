"""What a request asks for, and what it gets back."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

MAX_STOPS = 8
MAX_STOP_CHARACTERS = 256

# Begins the message of QueueFull. Clients need it: gRPC gives the same code, UNAVAILABLE, where
# nobody listens at all.
QUEUE_FULL = "queue full"


class GenerationError(Exception):
    """A request that gets no text, or no more of it; the message is for its sender."""


class InvalidRequest(GenerationError):
    """The request can never be served as it is."""


class QueueFull(GenerationError):
    """Too many requests wait already; the same request may be served later."""


class EngineClosed(GenerationError):
    """The engine has ended, by command or by a failure of its own."""


class FinishReason(StrEnum):
    """Why a text ended, in the words of OpenAI's API."""

    STOP = "stop"
    LENGTH = "length"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How a token is chosen. Temperature 0 is greedy; ``top_k`` 0 and ``top_p`` 1 are off."""

    temperature: float
    top_p: float = 1.0
    top_k: int = 0
    seed: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.temperature <= 2:  # noqa: PLR2004 - OpenAI's range
            raise InvalidRequest(f"temperature must be between 0 and 2, not {self.temperature}")
        if not 0 < self.top_p <= 1:
            raise InvalidRequest(f"top_p must be above 0 and at most 1, not {self.top_p}")
        if self.top_k < 0:
            raise InvalidRequest(f"top_k must not be negative, not {self.top_k}")
        if self.seed is not None and self.seed < 0:
            raise InvalidRequest(f"seed must not be negative, not {self.seed}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """``max_tokens`` None asks for the engine's default; ``stops`` never appear in the text."""

    prompt: Sequence[int]
    sampling: Sampling
    max_tokens: int | None = None
    stops: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.prompt:
            raise InvalidRequest("the prompt is empty")
        if self.max_tokens is not None and self.max_tokens < 1:
            raise InvalidRequest(f"max_tokens must be at least 1, not {self.max_tokens}")
        if len(self.stops) > MAX_STOPS:
            raise InvalidRequest(f"at most {MAX_STOPS} stop strings, not {len(self.stops)}")
        for stop in self.stops:
            if not 0 < len(stop) <= MAX_STOP_CHARACTERS:
                raise InvalidRequest(
                    f"a stop string has 1 to {MAX_STOP_CHARACTERS} characters, not {len(stop)}"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """The text that one or more new tokens add; the last chunk alone has a finish reason."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    finish_reason: FinishReason | None = None


class Outlet(Protocol):
    """Where one request's chunks go. Called by the engine's thread alone.

    It gets any number of ``emit``, the last with a finish reason, or ends with one ``fail``; or it
    gets no more once ``cancelled`` has said True.
    """

    def cancelled(self) -> bool:
        """Whether nobody waits for this request any more."""
        ...

    def emit(self, chunk: Chunk) -> None: ...

    def fail(self, error: GenerationError) -> None: ...
