"""The objects that OpenAI's routes answer with, whole or in a stream."""

import codecs
import json
import time
import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .generation import Piece, TokenLogprob


class Dialect(Protocol):
    """How one of the two routes words its objects, for one request."""

    def whole(self, answers: Sequence[Sequence[Piece]]) -> dict[str, Any]:
        """All answers to a request, each of its pieces."""
        ...

    def opening(self, index: int) -> list[dict[str, Any]]:
        """What the stream of an answer begins with."""
        ...

    def delta(self, index: int, piece: Piece) -> dict[str, Any]: ...

    def usage(self, lasts: Sequence[Piece]) -> dict[str, Any]:
        """What a stream ends with, for clients that asked for usage: from the last pieces."""
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

    def whole(self, answers: Sequence[Sequence[Piece]]) -> dict[str, Any]:
        choices = [_chat_choice(index, _joined(pieces)) for index, pieces in enumerate(answers)]
        usage = _usage([pieces[-1] for pieces in answers])
        return self._envelope.object("chat.completion", choices) | {"usage": usage}

    def opening(self, index: int) -> list[dict[str, Any]]:
        return [self._chunk(index, {"role": "assistant", "content": ""})]

    def delta(self, index: int, piece: Piece) -> dict[str, Any]:
        said = {"content": piece.text} if piece.text else {}
        return self._chunk(
            index, said, reason=piece.finish_reason, logprobs=_chat_logprobs(piece.logprobs)
        )

    def usage(self, lasts: Sequence[Piece]) -> dict[str, Any]:
        return self._envelope.object("chat.completion.chunk", []) | {"usage": _usage(lasts)}

    def _chunk(
        self,
        index: int,
        delta: dict[str, str],
        *,
        reason: str | None = None,
        logprobs: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
        return self._envelope.object("chat.completion.chunk", [choice])


class CompletionDialect:
    def __init__(self, model: str) -> None:
        self._envelope = _envelope("cmpl", model)
        self._offsets: defaultdict[int, TextOffset] = defaultdict(TextOffset)

    def whole(self, answers: Sequence[Sequence[Piece]]) -> dict[str, Any]:
        choices = [self._choice(index, _joined(pieces)) for index, pieces in enumerate(answers)]
        usage = _usage([pieces[-1] for pieces in answers])
        return self._envelope.object("text_completion", choices) | {"usage": usage}

    def opening(self, _: int) -> list[dict[str, Any]]:
        return []

    def delta(self, index: int, piece: Piece) -> dict[str, Any]:
        return self._envelope.object("text_completion", [self._choice(index, piece)])

    def usage(self, lasts: Sequence[Piece]) -> dict[str, Any]:
        return self._envelope.object("text_completion", []) | {"usage": _usage(lasts)}

    def _choice(self, index: int, piece: Piece) -> dict[str, Any]:
        return {
            "index": index,
            "text": piece.text,
            "logprobs": _completion_logprobs(piece.logprobs, self._offsets[index]),
            "finish_reason": piece.finish_reason,
        }


class TextOffset:
    """Where in an answer each token begins, in characters."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._characters = 0

    def before(self, token: TokenLogprob) -> int:
        """Call it for one token after another. A character begun by a token counts at its end."""
        start = self._characters
        self._characters += len(self._decoder.decode(bytes(token.bytes)))
        return start


def event(value: dict[str, Any]) -> str:
    """One server-sent event."""
    return f"data: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}\n\n"


DONE = "data: [DONE]\n\n"


def _envelope(prefix: str, model: str) -> _Envelope:
    identifier = f"{prefix}-{uuid.uuid4().hex}"
    return _Envelope(identifier=identifier, created=int(time.time()), model=model)


def _joined(pieces: Sequence[Piece]) -> Piece:
    """An answer's pieces as one."""
    last = pieces[-1]
    return Piece(
        text="".join(piece.text for piece in pieces),
        prompt_tokens=last.prompt_tokens,
        completion_tokens=last.completion_tokens,
        finish_reason=last.finish_reason,
        logprobs=tuple(token for piece in pieces for token in piece.logprobs),
    )


def _chat_choice(index: int, whole: Piece) -> dict[str, Any]:
    return {
        "index": index,
        "message": {"role": "assistant", "content": whole.text},
        "logprobs": _chat_logprobs(whole.logprobs),
        "finish_reason": whole.finish_reason,
    }


def _chat_logprobs(tokens: Sequence[TokenLogprob]) -> dict[str, Any] | None:
    if not tokens:
        return None
    content = [
        _chat_token(token) | {"top_logprobs": [_chat_token(one) for one in token.top]}
        for token in tokens
    ]
    return {"content": content, "refusal": None}


def _chat_token(token: TokenLogprob) -> dict[str, Any]:
    return {"token": token.token, "logprob": token.logprob, "bytes": list(token.bytes)}


def _completion_logprobs(
    tokens: Sequence[TokenLogprob], offset: TextOffset
) -> dict[str, Any] | None:
    if not tokens:
        return None
    return {
        "tokens": [token.token for token in tokens],
        "token_logprobs": [token.logprob for token in tokens],
        # The token itself is always among them, as in OpenAI's: one more than were asked for.
        "top_logprobs": [
            {one.token: one.logprob for one in (*token.top, token)} for token in tokens
        ],
        "text_offset": [offset.before(token) for token in tokens],
    }


def _usage(lasts: Sequence[Piece]) -> dict[str, int]:
    """The prompt counts once, however many answers it got."""
    prompt = lasts[0].prompt_tokens
    completion = sum(last.completion_tokens for last in lasts)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
