"""A model in Triton, over gRPC (KServe v2): the tensors of ``triton_models/chat_lm``."""

import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

import grpc
import numpy as np
import tritonclient.grpc.aio as triton

from .generation import (
    Busy,
    Generation,
    GenerationFailed,
    InvalidGeneration,
    Piece,
    TimedOut,
    Unavailable,
)

logger = logging.getLogger(__name__)

READY_TIMEOUT_SECONDS = 2.0
QUEUE_FULL = "queue full"  # how the model's message begins when its queue is full
# Errors then come as gRPC statuses, with their code, instead of as text inside a response.
_STATUS_ERRORS = {"triton_grpc_error": "true"}


class TritonModel(AbstractAsyncContextManager["TritonModel"]):
    """One model at one address. ``timeout_seconds`` bounds a whole generation."""

    def __init__(self, address: str, name: str, *, timeout_seconds: float) -> None:
        self._client = triton.InferenceServerClient(address)
        self._name = name
        self._timeout_seconds = timeout_seconds

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
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
        responses = self._client.stream_infer(
            _only(self._request(generation)),
            stream_timeout=self._timeout_seconds,
            headers=_STATUS_ERRORS,
        )
        last: Piece | None = None
        try:
            async for result, error in responses:
                if error is not None:
                    raise _sickness(error.message())
                piece = _piece(result)
                yield piece
                last = piece
            if last is None or last.finish_reason is None:
                raise GenerationFailed("the model ended its answer without a finish reason")
        except grpc.aio.AioRpcError as error:
            raise _failure(error) from error
        finally:
            responses.cancel()

    def _request(self, generation: Generation) -> dict[str, Any]:
        inputs = list(_inputs(generation))
        return {"model_name": self._name, "inputs": inputs}


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
    scalars = (
        ("stream", "BOOL", np.bool_, True),
        ("max_tokens", "INT32", np.int32, generation.max_tokens),
        ("temperature", "FP32", np.float32, generation.temperature),
        ("top_p", "FP32", np.float32, generation.top_p),
        ("top_k", "INT32", np.int32, generation.top_k),
        ("seed", "INT64", np.int64, generation.seed),
    )
    for name, kind, dtype, value in scalars:
        if value is not None:
            inputs.append(_tensor(name, kind, np.array([value], dtype)))
    return inputs


def _strings(name: str, values: list[str]) -> triton.InferInput:
    return _tensor(name, "BYTES", np.array([value.encode() for value in values], np.object_))


def _tensor(name: str, kind: str, values: np.ndarray[Any, Any]) -> triton.InferInput:
    tensor = triton.InferInput(name, list(values.shape), kind)
    tensor.set_data_from_numpy(values)
    return tensor


def _piece(result: Any) -> Piece:
    reason = result.as_numpy("finish_reason")[0].decode()
    return Piece(
        text=result.as_numpy("text_output")[0].decode(),
        prompt_tokens=int(result.as_numpy("prompt_tokens")[0]),
        completion_tokens=int(result.as_numpy("completion_tokens")[0]),
        finish_reason=reason or None,
    )


def _failure(error: grpc.aio.AioRpcError) -> GenerationFailed:
    message = error.details() or error.code().name
    match error.code():
        case grpc.StatusCode.INVALID_ARGUMENT:
            return InvalidGeneration(message)
        case grpc.StatusCode.UNAVAILABLE if message.startswith(QUEUE_FULL):
            return Busy(message)
        case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.NOT_FOUND:
            return Unavailable(message)
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return TimedOut("the model's answer took too long")
        case _:
            return _sickness(message)


def _sickness(message: str) -> GenerationFailed:
    """An error that says nothing to users: its text may hold paths and tracebacks."""
    logger.error("the model failed: %s", message)
    return GenerationFailed("the model failed to answer; the gateway's log tells why")
