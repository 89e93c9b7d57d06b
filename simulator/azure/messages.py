"""Requests to the simulated Azure and its answers, as values that any transport can carry."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from simulator.azure.failures import Object, Refusal, Refused, Voice, bad_request


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """``base_url`` is scheme and host: links of the answer lead there. Header names are lower."""

    method: str
    base_url: str
    path: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def parse(cls, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Self:
        """``url`` is absolute."""
        parts = urlsplit(url)
        return cls(
            method=method.upper(),
            base_url=f"{parts.scheme}://{parts.netloc}",
            path=tuple(unquote(part) for part in parts.path.split("/") if part),
            query={name: values[0] for name, values in parse_qs(parts.query).items()},
            headers={name.lower(): value for name, value in headers.items()},
            body=body,
        )

    def json(self) -> Object:
        """Raises Refused 400 where the body is no JSON object."""
        try:
            value = json.loads(self.body)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise Refused(bad_request("The request content was invalid: no JSON object."))
        return value


@dataclass(slots=True)
class Answer:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


Handle = Callable[[Request], Awaitable[Answer]]
"""A request to its answer, as ``AzureCloud.handle``."""


def json_answer(value: Any, status: int = 200, **headers: str) -> Answer:
    body = json.dumps(value, separators=(",", ":")).encode()
    return Answer(status, {"Content-Type": "application/json; charset=utf-8", **headers}, body)


def refusal_answer(refusal: Refusal) -> Answer:
    answer = json_answer(refusal.body(), refusal.status, **refusal.headers)
    if refusal.voice is Voice.GATEWAY:
        answer.headers["x-ms-failure-cause"] = "gateway"
    if refusal.retry_after is not None:
        answer.headers["Retry-After"] = str(refusal.retry_after)
    return answer
