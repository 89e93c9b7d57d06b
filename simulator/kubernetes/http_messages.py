"""Requests and answers of the API, as values that any transport can carry."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from simulator.kubernetes import errors
from simulator.kubernetes.json_values import encode
from simulator.kubernetes.status import ApiError
from simulator.kubernetes.watch_cache import WatchCache

JSON = "application/json"
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"", "0", "f", "F", "FALSE", "false", "False"})


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters after the ``?``."""

    values: Mapping[str, Sequence[str]]

    def text(self, name: str, default: str = "") -> str:
        found = self.values.get(name)
        return found[0] if found else default

    def texts(self, name: str) -> list[str]:
        return list(self.values.get(name, ()))

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Raises ApiError 400 where the value is not a Go boolean."""
        if name not in self.values:
            return default
        value = self.text(name)
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
        raise errors.bad_request(f'invalid value for parameter "{name}": {value!r} is no boolean')

    def integer(self, name: str) -> int | None:
        """Raises ApiError 400 where the value is no integer; None where there is none."""
        value = self.text(name)
        if not value:
            return None
        try:
            return int(value)
        except ValueError:
            message = f'invalid value for parameter "{name}": {value!r} is no integer'
            raise errors.bad_request(message) from None


@lru_cache(maxsize=4096)
def _parsed(target: str) -> tuple[tuple[str, ...], Query]:
    parts = urlsplit(target)
    path = tuple(unquote(part) for part in parts.path.split("/") if part)
    return path, Query(parse_qs(parts.query, keep_blank_values=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """``headers`` have lower-case names; ``cache`` is that of the server which was asked."""

    method: str
    path: tuple[str, ...]
    query: Query
    headers: Mapping[str, str]
    cache: WatchCache
    body: bytes = b""

    @classmethod
    def parse(
        cls,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        cache: WatchCache | None = None,
    ) -> Self:
        """Without a cache the request is answered from one that is level with the store."""
        path, query = _parsed(target)
        return cls(
            method=method.upper(),
            path=path,
            query=query,
            headers={name.lower(): value for name, value in headers.items()},
            cache=cache or WatchCache(),
            body=body,
        )

    @property
    def media_type(self) -> str:
        """Of the body, without parameters; JSON where the client says nothing."""
        return self.headers.get("content-type", JSON).partition(";")[0].strip() or JSON

    def accepted(self) -> Sequence["MediaRange"]:
        """What the client takes, in its order."""
        return _media_ranges(self.headers.get("accept") or "*/*")

    @property
    def accepts_json(self) -> bool:
        return any(media.is_json for media in self.accepted())


@dataclass(frozen=True, slots=True)
class MediaRange:
    name: str
    parameters: Mapping[str, str]

    @property
    def is_json(self) -> bool:
        return self.name in {JSON, "application/*", "*/*"}


@lru_cache(maxsize=256)
def _media_ranges(accept: str) -> tuple[MediaRange, ...]:
    ranges = ([part.strip() for part in text.split(";")] for text in accept.split(","))
    return tuple(
        MediaRange(name, dict(parameter.partition("=")[::2] for parameter in parameters))
        for name, *parameters in ranges
    )


@dataclass(slots=True)
class Response:
    """An answer; a body that is a stream ends when the server ends it."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | AsyncIterator[bytes] = b""


def json_response(value: Any, status: int = 200, *, media_type: str = JSON) -> Response:
    return encoded_response(encode(value), status, media_type=media_type)


def encoded_response(body: bytes, status: int = 200, *, media_type: str = JSON) -> Response:
    return Response(status, {"Content-Type": media_type}, body)


def error_response(error: ApiError) -> Response:
    response = json_response(error.as_status(), error.code)
    if error.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    return response


def warning_header(warnings: Sequence[str]) -> str:
    """RFC 7234 ``Warning`` values, as client-go reads them: code 299, no agent, quoted text."""
    quoted = (warning.replace("\\", "\\\\").replace('"', '\\"') for warning in warnings)
    return ", ".join(f'299 - "{text}"' for text in quoted)
