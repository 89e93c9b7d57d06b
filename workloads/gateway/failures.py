"""Which HTTP answer each failed generation gets: one table for all routes."""

from dataclasses import dataclass

from .generation import (
    Busy,
    GenerationFailed,
    InvalidGeneration,
    TimedOut,
    Unavailable,
)

RETRY_AFTER = {"Retry-After": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureAnswer:
    """``kind`` and ``code`` are words of OpenAI's error object."""

    status: int
    kind: str
    code: str
    headers: dict[str, str] | None = None


def answer_to(error: GenerationFailed) -> FailureAnswer:
    match error:
        case InvalidGeneration():
            return FailureAnswer(status=400, kind="invalid_request_error", code="invalid_value")
        case Busy():
            return FailureAnswer(
                status=429, kind="requests", code="rate_limit_exceeded", headers=RETRY_AFTER
            )
        case Unavailable():
            return FailureAnswer(
                status=503, kind="server_error", code="model_unavailable", headers=RETRY_AFTER
            )
        case TimedOut():
            return FailureAnswer(status=504, kind="server_error", code="timeout")
        case _:
            return FailureAnswer(status=500, kind="server_error", code="generation_failed")
