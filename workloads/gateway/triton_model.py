"""A model in Triton, over gRPC (KServe v2): the tensors of ``triton_models/chat_lm``."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

import grpc
import numpy as np
import tritonclient.grpc.aio as triton
from pydantic import BaseModel, ValidationError

from .generation import (
    Busy,
    Generation,
    GenerationFailed,
    InvalidGeneration,
    NotFound,
    Piece,
    TimedOut,
    TokenLogprob,
    Unavailable,
)
from .vigil import PERIOD_SECONDS, Call, Vigil

logger = logging.getLogger(__name__)

READY_TIMEOUT_SECONDS = 2.0
QUEUE_FULL = "queue full"  # how the model's message begins when its queue is full
DEADLINE = "deadline"  # and when the request's time is up
UNKNOWN_MODEL = "Request for unknown model"  # how Triton's begins; the model's own is of an adapter
DEAD_PROCESS = "Stub process"  # Triton's words when the process that ran the model has died
# Triton's own deadline comes later than the model's, whose slot is then free already.
DEADLINE_GRACE_SECONDS = 2.0
# What OpenAI's API gives for a token that is out of reach; JSON has no infinity.
LEAST_LOGPROB = -9999.0
# Errors then come as gRPC statuses, with their code, instead of as text inside a response.
_STATUS_ERRORS = {"triton_grpc_error": "true"}
# How messages begin, whatever their code, which Triton's own often lack.
_BEGINNINGS: tuple[tuple[str, type[GenerationFailed]], ...] = (
    (UNKNOWN_MODEL, Unavailable),
    (DEAD_PROCESS, Unavailable),
    (QUEUE_FULL, Busy),
    (DEADLINE, TimedOut),
)
_CODES: Mapping[grpc.StatusCode, type[GenerationFailed]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidGeneration,
    grpc.StatusCode.ALREADY_EXISTS: InvalidGeneration,
    grpc.StatusCode.UNIMPLEMENTED: InvalidGeneration,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: TimedOut,
}
# Where the cause is the log's: it tells addresses.
_WORDS = {
    Unavailable: "the model cannot be reached, or is not loaded yet",
    TimedOut: "the model's answer took too long",
}
_LOST = "the process that ran the model has ended, and this answer with it; ask again"
_SCALARS: dict[str, tuple[str, type[np.generic]]] = {
    "stream": ("BOOL", np.bool_),
    "max_tokens": ("INT32", np.int32),
    "temperature": ("FP32", np.float32),
    "top_p": ("FP32", np.float32),
    "top_k": ("INT32", np.int32),
    "min_p": ("FP32", np.float32),
    "repetition_penalty": ("FP32", np.float32),
    "seed": ("INT64", np.int64),
    "logprobs": ("INT32", np.int32),
    "deadline_seconds": ("FP32", np.float32),
}


class _Told(BaseModel):
    """The answer to a command: the adapters that are loaded then, and the process that has them."""

    adapters: tuple[str, ...]
    instance: str = ""


class TritonModel(AbstractAsyncContextManager["TritonModel"]):
    """One model at one address. ``timeout_seconds`` bounds a whole generation."""

    def __init__(
        self,
        address: str,
        name: str,
        *,
        timeout_seconds: float,
        vigil_seconds: float = PERIOD_SECONDS,
    ) -> None:
        self._client = triton.InferenceServerClient(address)
        self._name = name
        self._timeout_seconds = timeout_seconds
        self._vigil = Vigil(self._instance, vigil_seconds)
        self._taken: frozenset[str] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._vigil.close()
        await self._client.close()

    async def is_ready(self) -> bool:
        try:
            ready = await self._client.is_model_ready(
                self._name, client_timeout=READY_TIMEOUT_SECONDS
            )
        except triton.InferenceServerException:
            return False
        return bool(ready)

    async def generate(self, generation: Generation) -> AsyncGenerator[Piece, None]:
        """Reads to the end of the stream, beyond the last piece.

        Cancelled between the last response and its end, Triton 24.10 keeps the request for ever,
        and then needs its whole exit timeout to stop (measured).
        """
        inputs = _inputs(generation)
        if "deadline_seconds" in await self._inputs_taken():
            inputs.append(_scalar("deadline_seconds", self._timeout_seconds))
        last: Piece | None = None
        call = Call()
        with self._vigil.over(call):
            async with aclosing(self._responses(inputs, call)) as responses:
                async for result in responses:
                    last = _piece(result)
                    yield last
        if last is None or last.finish_reason is None:
            raise _sickness("it ended its answer without a finish reason")

    async def adapters(self) -> tuple[str, ...]:
        if "command" not in await self._inputs_taken():
            return ()
        return (await self._command("list_adapters", {})).adapters

    async def load_adapter(self, name: str, directory: str) -> None:
        await self._command("load_adapter", {"name": name, "directory": directory})

    async def unload_adapter(self, name: str) -> None:
        await self._command("unload_adapter", {"name": name})

    async def _instance(self) -> str:
        """Which process runs the model: another one after every load."""
        if "command" not in await self._inputs_taken():
            return ""
        return (await self._command("list_adapters", {})).instance

    async def _command(self, verb: str, arguments: dict[str, str]) -> "_Told":
        if "command" not in await self._inputs_taken():
            raise InvalidGeneration("this model takes no adapters")
        command = _strings("command", [json.dumps({verb: arguments})])
        answer = ""
        async with aclosing(self._responses([command], Call())) as responses:
            async for result in responses:
                answer += _text(result, "text_output")
        try:
            return _Told.model_validate_json(answer)
        except ValidationError as error:
            raise _sickness(f"it answered {verb} with {answer!r}") from error

    async def _inputs_taken(self) -> frozenset[str]:
        """Asked once: not every model takes commands and deadlines."""
        if self._taken is None:
            try:
                metadata = await self._client.get_model_metadata(
                    self._name, client_timeout=READY_TIMEOUT_SECONDS
                )
            except triton.InferenceServerException as error:
                logger.warning("the model does not tell what it takes: %s", error)
                raise Unavailable(_WORDS[Unavailable]) from error
            self._taken = frozenset(tensor.name for tensor in metadata.inputs)
        return self._taken

    async def _responses(
        self, inputs: list[triton.InferInput], call: Call
    ) -> AsyncGenerator[Any, None]:
        named = {tensor.name() for tensor in inputs}
        if unknown := named - await self._inputs_taken():
            raise InvalidGeneration(f"this model takes no {' and no '.join(sorted(unknown))}")
        responses = self._client.stream_infer(
            _only({"model_name": self._name, "inputs": inputs}),
            stream_timeout=self._timeout_seconds + DEADLINE_GRACE_SECONDS,
            headers=_STATUS_ERRORS,
        )
        call.cancel = responses.cancel
        try:
            async for result, error in responses:
                if error is not None:
                    raise _failure(error.message(), None)
                yield result
        except asyncio.CancelledError:
            if call.lost:
                raise Unavailable(_LOST) from None
            raise
        except grpc.aio.AioRpcError as error:
            raise _failure(error.details() or error.code().name, error.code()) from error
        finally:
            responses.cancel()


async def _only(request: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    yield request


def _inputs(generation: Generation) -> list[triton.InferInput]:
    if isinstance(generation.source, str):
        inputs = [_strings("text_input", [generation.source])]
    else:
        messages = json.dumps([asdict(message) for message in generation.source])
        inputs = [_strings("messages", [messages])]
    if generation.stops:
        inputs.append(_strings("stop", list(generation.stops)))
    if generation.adapters:
        inputs.append(_strings("adapters", [one.name for one in generation.adapters]))
        strengths = np.array([one.strength for one in generation.adapters], np.float32)
        inputs.append(_tensor("adapter_strengths", "FP32", strengths))
    scalars = {
        "stream": True,
        "max_tokens": generation.max_tokens,
        "temperature": generation.temperature,
        "top_p": generation.top_p,
        "top_k": generation.top_k,
        "min_p": generation.min_p,
        "repetition_penalty": generation.repetition_penalty,
        "seed": generation.seed,
        "logprobs": generation.logprobs,
    }
    given = {name: value for name, value in scalars.items() if value is not None}
    return inputs + [_scalar(name, value) for name, value in given.items()]


def _scalar(name: str, value: float) -> triton.InferInput:
    kind, dtype = _SCALARS[name]
    return _tensor(name, kind, np.array([value], dtype))


def _strings(name: str, values: list[str]) -> triton.InferInput:
    return _tensor(name, "BYTES", np.array([value.encode() for value in values], np.object_))


def _tensor(name: str, kind: str, values: np.ndarray[Any, Any]) -> triton.InferInput:
    tensor = triton.InferInput(name, list(values.shape), kind)
    tensor.set_data_from_numpy(values)
    return tensor


def _piece(result: Any) -> Piece:
    return Piece(
        text=_text(result, "text_output"),
        prompt_tokens=int(result.as_numpy("prompt_tokens")[0]),
        completion_tokens=int(result.as_numpy("completion_tokens")[0]),
        finish_reason=_text(result, "finish_reason") or None,
        logprobs=_logprobs(_text(result, "logprobs")),
    )


def _text(result: Any, name: str) -> str:
    """An output's only string; empty where the model does not have that output."""
    values = result.as_numpy(name)
    return "" if values is None else str(values[0].decode())


def _logprobs(document: str) -> tuple[TokenLogprob, ...]:
    return tuple(_logprob(token) for token in json.loads(document)) if document else ()


def _logprob(token: dict[str, Any]) -> TokenLogprob:
    return TokenLogprob(
        token=token["token"],
        logprob=max(token["logprob"], LEAST_LOGPROB),
        bytes=tuple(token["bytes"]),
        top=tuple(_logprob(one) for one in token.get("top", ())),
    )


def _failure(message: str, code: grpc.StatusCode | None) -> GenerationFailed:
    """``code`` is None for an error within a stream."""
    told = (kind for beginning, kind in _BEGINNINGS if message.startswith(beginning))
    kind = next(told, _CODES.get(code) if code else None)
    if kind is None:
        return _sickness(message)
    if kind in _WORDS:
        logger.warning("no answer from the model: %s", message)
    return kind(_WORDS.get(kind, message))


def _sickness(message: str) -> GenerationFailed:
    """An error that is for the log alone: its text may hold paths and tracebacks."""
    logger.error("the model failed: %s", message)
    return GenerationFailed(message)
