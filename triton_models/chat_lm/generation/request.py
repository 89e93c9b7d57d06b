"""What a request asks for, and what it gets back."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

MAX_STOPS = 8
MAX_STOP_CHARACTERS = 256
MAX_LOGPROBS = 20  # as in OpenAI's API
MAX_STRENGTH = 2.0

# Begins the message of QueueFull. Clients need it: gRPC gives the same code, UNAVAILABLE, where
# nobody listens at all.
QUEUE_FULL = "queue full"
DEADLINE_PASSED = "deadline passed"  # begins the message of Expired, for the same reason


class GenerationError(Exception):
    """A request that gets no text, or no more of it; the message is for its sender."""


class InvalidRequest(GenerationError):
    """The request can never be served as it is."""


class QueueFull(GenerationError):
    """Too many requests wait already; the same request may be served later."""


class Expired(GenerationError):
    """The request's own deadline passed before its text was complete."""


class UnknownAdapter(GenerationError):
    """The request names an adapter that is not loaded."""


class EngineClosed(GenerationError):
    """The engine has ended, by command or by a failure of its own."""


class FinishReason(StrEnum):
    """Why a text ended, in the words of OpenAI's API."""

    STOP = "stop"
    LENGTH = "length"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How a token is chosen. Temperature 0 is greedy.

    ``top_k`` 0, ``top_p`` 1, ``min_p`` 0 and ``repetition_penalty`` 1 are off. ``min_p`` drops what
    is less likely than that share of the likeliest token's probability (Nguyen et al. 2024,
    "Turning Up the Heat"). The penalty divides positive logits, and multiplies negative ones, of
    tokens that prompt or answer hold already (Keskar et al. 2019, "CTRL").
    """

    temperature: float
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    seed: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.temperature <= 2:  # noqa: PLR2004 - OpenAI's range
            raise InvalidRequest(f"temperature must be between 0 and 2, not {self.temperature}")
        if not 0 < self.top_p <= 1:
            raise InvalidRequest(f"top_p must be above 0 and at most 1, not {self.top_p}")
        if self.top_k < 0:
            raise InvalidRequest(f"top_k must not be negative, not {self.top_k}")
        if not 0 <= self.min_p <= 1:
            raise InvalidRequest(f"min_p must be between 0 and 1, not {self.min_p}")
        if not 0 < self.repetition_penalty <= 2:  # noqa: PLR2004 - beyond, only nonsense comes
            raise InvalidRequest(
                f"repetition_penalty must be above 0 and at most 2, not {self.repetition_penalty}"
            )
        if self.seed is not None and self.seed < 0:
            raise InvalidRequest(f"seed must not be negative, not {self.seed}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterStrength:
    """How much of a loaded adapter a request wants; 1 is what the adapter was trained for."""

    name: str
    strength: float

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= MAX_STRENGTH:
            raise InvalidRequest(
                f"the strength of adapter {self.name!r} must be between 0 and {MAX_STRENGTH:g}, "
                f"not {self.strength}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationRequest:
    """What to generate, and how.

    ``max_tokens`` None asks for the engine's default; ``stops`` never appear in the text.
    ``logprobs`` is how many alternatives to tell beside each token, None to tell nothing.
    ``deadline`` is an instant of ``time.monotonic``, in seconds.
    """

    prompt: Sequence[int]
    sampling: Sampling
    max_tokens: int | None = None
    stops: tuple[str, ...] = ()
    logprobs: int | None = None
    adapters: tuple[AdapterStrength, ...] = ()
    deadline: float | None = None

    def __post_init__(self) -> None:
        if not self.prompt:
            raise InvalidRequest("the prompt is empty")
        if self.max_tokens is not None and self.max_tokens < 1:
            raise InvalidRequest(f"max_tokens must be at least 1, not {self.max_tokens}")
        if self.logprobs is not None and not 0 <= self.logprobs <= MAX_LOGPROBS:
            raise InvalidRequest(
                f"logprobs must be between 0 and {MAX_LOGPROBS}, not {self.logprobs}"
            )
        names = [adapter.name for adapter in self.adapters]
        if len(names) != len(set(names)):
            raise InvalidRequest("an adapter may be given once only")
        if len(self.stops) > MAX_STOPS:
            raise InvalidRequest(f"at most {MAX_STOPS} stop strings, not {len(self.stops)}")
        for stop in self.stops:
            if not 0 < len(stop) <= MAX_STOP_CHARACTERS:
                raise InvalidRequest(
                    f"a stop string has 1 to {MAX_STOP_CHARACTERS} characters, not {len(stop)}"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Likelihood:
    """A token and the natural logarithm of its probability, before any sampling setting."""

    token: int
    logprob: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLikelihood:
    """A token that was chosen, and the likeliest in its place, itself perhaps among them."""

    chosen: Likelihood
    likeliest: tuple[Likelihood, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """The text that one or more new tokens add; the last chunk alone has a finish reason.

    Likelihoods, where they were asked for, are those of all tokens since the chunk before, also of
    tokens whose text is held back.
    """

    text: str
    prompt_tokens: int
    completion_tokens: int
    likelihoods: tuple[TokenLikelihood, ...] = ()
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
