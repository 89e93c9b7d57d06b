"""A workspace's gateway over HTTP: ``/chat``, and chat completions as they are generated."""

import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

import aiohttp

from moorage.failure import ExitCode, Failure

TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=120)
"""Seconds; an answer may take long as a whole, its next token may not."""

Message = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """None leaves it to the server."""

    max_tokens: int | None = None
    temperature: float | None = None
    adapters: Mapping[str, float] | None = None

    def fields(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}


def adapter_strengths(given: Sequence[str]) -> dict[str, float] | None:
    """``NAME=STRENGTH`` or ``NAME`` alone, which means 1. Raises Failure. None: no adapters."""
    strengths: dict[str, float] = {}
    for text in given:
        name, _, strength = text.partition("=")
        try:
            strengths[name] = float(strength or 1)
        except ValueError as error:
            raise Failure(f"--adapter {text}: {strength!r} is no number") from error
    return strengths or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Of one streamed answer, as its client saw it; times since the request, in seconds."""

    completion_tokens: int
    first_token_seconds: float
    last_token_seconds: float

    @property
    def tokens_per_second(self) -> float:
        """Of the tokens after the first, which waits for the whole prompt to be read."""
        generating = self.last_token_seconds - self.first_token_seconds
        return (self.completion_tokens - 1) / generating if generating > 0 else 0.0


class Gateway:
    """Raises Failure in the server's words, also where nothing answers."""

    def __init__(self, session: aiohttp.ClientSession, model: str) -> None:
        self._session = session
        self._model = model

    async def chat(self, prompt: str, *, temperature: float) -> str:
        """The answer to KAITO's ``POST /chat``."""
        body = {"prompt": prompt, "generate_kwargs": {"temperature": temperature}}
        async with self._session.post("/chat", json=body) as response:
            await _require_ok(response)
            return str((await response.json())["Result"])

    async def stream(
        self, messages: Sequence[Message], sampling: Sampling
    ) -> AsyncGenerator[str | Speed, None]:
        """The pieces of the answer as they come, and its speed at the end."""
        body = {
            "model": self._model,
            "messages": list(messages),
            "stream": True,
            "stream_options": {"include_usage": True},
            **sampling.fields(),
        }
        start = time.perf_counter()
        first = last = 0.0
        async with self._session.post("/v1/chat/completions", json=body) as response:
            await _require_ok(response)
            async for event in _events(response):
                if usage := event.get("usage"):
                    yield Speed(
                        completion_tokens=usage["completion_tokens"],
                        first_token_seconds=first,
                        last_token_seconds=last,
                    )
                elif piece := event["choices"][0]["delta"].get("content"):
                    last = time.perf_counter() - start
                    first = first or last
                    yield piece


@asynccontextmanager
async def gateway(url: str, model: str, key: str | None = None) -> AsyncIterator[Gateway]:
    """The gateway at ``url``. Raises Failure where the connection fails."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with aiohttp.ClientSession(base_url=url, timeout=TIMEOUT, headers=headers) as session:
        try:
            yield Gateway(session, model)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Failure(
                f"no answer from {url}: {error or type(error).__name__}",
                details=["`moorage explain` tells where the workspace stands"],
                exit_code=ExitCode.UNREACHABLE,
            ) from error


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """The objects of a stream of server-sent events. Raises Failure for an error among them."""
    async for line in response.content:
        name, _, value = line.decode().strip().partition(": ")
        if name != "data" or value == "[DONE]":
            continue
        event = json.loads(value)
        if "error" in event:
            raise Failure(event["error"]["message"])
        yield event


async def _require_ok(response: aiohttp.ClientResponse) -> None:
    if response.ok:
        return
    raise Failure(f"{response.url} answered {response.status}: {_reason(await response.text())}")


def _reason(body: str) -> str:
    """From OpenAI's and KAITO's error objects; anything else as it is, at reasonable length."""
    try:
        answer = json.loads(body)
    except ValueError:
        return body[:300]
    match answer:
        case {"error": {"message": str(message)}} | {"detail": str(message)}:
            return message
        case _:
            return body[:300]
