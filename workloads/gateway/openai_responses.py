"""The objects that OpenAI's routes answer with, whole or in a stream."""

import json
import time
import uuid
from dataclasses import dataclass
from typing import Any, Protocol

from .generation import Piece


class Dialect(Protocol):
    """How one of the two routes words its objects."""

    def whole(self, text: str, last: Piece) -> dict[str, Any]: ...

    def opening(self) -> list[dict[str, Any]]:
        """What a stream begins with."""
        ...

    def delta(self, piece: Piece) -> dict[str, Any]: ...

    def usage(self, last: Piece) -> dict[str, Any]:
        """What a stream ends with, for clients that asked for usage."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Envelope:
    """What all objects of one answer have in common."""

    identifier: str
    created: int
    model: str

    def object(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": self.identifier,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "choices": choices,
        }


class ChatDialect:
    def __init__(self, model: str) -> None:
        self._envelope = _envelope("chatcmpl", model)

    def whole(self, text: str, last: Piece) -> dict[str, Any]:
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": last.finish_reason}
        return self._envelope.object("chat.completion", [choice]) | {"usage": _usage(last)}

    def opening(self) -> list[dict[str, Any]]:
        return [self._chunk({"role": "assistant", "content": ""}, None)]

    def delta(self, piece: Piece) -> dict[str, Any]:
        return self._chunk({"content": piece.text} if piece.text else {}, piece.finish_reason)

    def usage(self, last: Piece) -> dict[str, Any]:
        return self._envelope.object("chat.completion.chunk", []) | {"usage": _usage(last)}

    def _chunk(self, delta: dict[str, str], reason: str | None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        return self._envelope.object("chat.completion.chunk", [choice])


class CompletionDialect:
    def __init__(self, model: str) -> None:
        self._envelope = _envelope("cmpl", model)

    def whole(self, text: str, last: Piece) -> dict[str, Any]:
        return self._object(text, last.finish_reason) | {"usage": _usage(last)}

    def opening(self) -> list[dict[str, Any]]:
        return []

    def delta(self, piece: Piece) -> dict[str, Any]:
        return self._object(piece.text, piece.finish_reason)

    def usage(self, last: Piece) -> dict[str, Any]:
        return self._envelope.object("text_completion", []) | {"usage": _usage(last)}

    def _object(self, text: str, reason: str | None) -> dict[str, Any]:
        choice = {"index": 0, "text": text, "finish_reason": reason, "logprobs": None}
        return self._envelope.object("text_completion", [choice])


def error_object(
    message: str, *, kind: str, code: str | None, parameter: str | None = None
) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": parameter, "code": code}}


def event(value: dict[str, Any]) -> str:
    """One server-sent event."""
    return f"data: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}\n\n"


DONE = "data: [DONE]\n\n"


def _envelope(prefix: str, model: str) -> _Envelope:
    identifier = f"{prefix}-{uuid.uuid4().hex}"
    return _Envelope(identifier=identifier, created=int(time.time()), model=model)


def _usage(last: Piece) -> dict[str, int]:
    return {
        "prompt_tokens": last.prompt_tokens,
        "completion_tokens": last.completion_tokens,
        "total_tokens": last.prompt_tokens + last.completion_tokens,
    }
