"""Every answer that is no success: which status and words, and in which shape for which route."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from .generation import (
    Busy,
    GenerationFailed,
    InvalidGeneration,
    NotFound,
    TimedOut,
    Unavailable,
)
from .request_log import request_id

RETRY_AFTER = {"Retry-After": "1"}
# A client may send thousands of unknown fields, each with a name of any length.
_MAX_VIOLATIONS = 8
_MAX_PATH_CHARACTERS = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """``kind``, ``code`` and ``parameter`` are words of OpenAI's error object."""

    status: int
    message: str
    kind: str = "invalid_request_error"
    code: str | None = None
    parameter: str | None = None
    headers: Mapping[str, str] | None = None

    def response(self, path: str) -> Response:
        """In OpenAI's shape below ``/v1/``, in that of KAITO's runtime elsewhere."""
        content = self.error_object() if is_openai(path) else {"detail": self.message}
        return JSONResponse(content, self.status, self.headers)

    def error_object(self) -> dict[str, Any]:
        return {
            "error": {
                "message": self.message,
                "type": self.kind,
                "param": self.parameter,
                "code": self.code,
            }
        }


def is_openai(path: str) -> bool:
    return path.startswith("/v1/")


def of_generation(error: GenerationFailed) -> Refusal:
    message = str(error)
    match error:
        case InvalidGeneration():
            return Refusal(status=400, message=message, code="invalid_value")
        case NotFound():
            return Refusal(status=404, message=message, code="model_not_found", parameter="model")
        case Busy():
            return too_many(message)
        case Unavailable():
            return unavailable(message, code="model_unavailable")
        case TimedOut():
            return Refusal(status=504, message=message, kind="server_error", code="timeout")
        case _:
            return internal("the model failed to answer", code="generation_failed")


def too_many(message: str) -> Refusal:
    return Refusal(
        status=429,
        message=message,
        kind="requests",
        code="rate_limit_exceeded",
        headers=RETRY_AFTER,
    )


def unavailable(message: str, *, code: str) -> Refusal:
    return Refusal(status=503, message=message, kind="server_error", code=code, headers=RETRY_AFTER)


def internal(message: str, *, code: str) -> Refusal:
    """Says nothing of the cause, whose text may hold paths and tracebacks; the log has it."""
    told = f"{message}; the gateway's log tells why under request id {request_id.get()}"
    return Refusal(status=500, message=told, kind="server_error", code=code)


def of_http(error: HTTPException) -> Refusal:
    return Refusal(status=error.status_code, message=error.detail, headers=error.headers)


def of_body(error: ValidationError, path: str) -> Response:
    """OpenAI has one message and one parameter, the first; KAITO's runtime lists them with 422."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    violations = [
        {"loc": ["body", *map(_short, one["loc"])], "msg": _told(one), "type": one["type"]}
        for one in found[:_MAX_VIOLATIONS]
    ]
    if not is_openai(path):
        return JSONResponse({"detail": violations}, 422)
    places = [".".join(map(str, one["loc"][1:])) or "body" for one in violations]
    told = [f"{place}: {one['msg']}" for place, one in zip(places, violations, strict=True)]
    if (more := len(found) - len(violations)) > 0:
        told.append(f"and {more} more")
    return Refusal(status=400, message="; ".join(told), parameter=places[0]).response(path)


def _told(violation: Mapping[str, Any]) -> str:
    if violation["type"] == "extra_forbidden":
        return "this server cannot honour it; leave it out"
    return str(violation["msg"]).removeprefix("Value error, ")


def _short(part: int | str) -> int | str:
    return part[:_MAX_PATH_CHARACTERS] if isinstance(part, str) else part
