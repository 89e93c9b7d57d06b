"""Tells whether a model in Triton really answers: readiness first, then one token.

Readiness alone proves little. Where the python backend's stub process has died or hangs, Triton
24.10 goes on to report server and model as ready (triton-inference-server/server issue 8604); only
a request shows it. The model serves requests for a single token from a lane of their own, so the
canary is not held up by long answers.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

import grpc
import numpy as np
import tritonclient.grpc.aio as triton

PROMPT = "Hello"
# Errors then come as gRPC statuses, with their code, instead of as text inside a response.
_STATUS_ERRORS = {"triton_grpc_error": "true"}
_QUEUE_FULL = "queue full"  # how the model's message begins when its queue is full


class Silence(StrEnum):
    """Why a model did not answer its canary."""

    UNREACHABLE = "unreachable"  # nobody listens at the address
    NOT_READY = "not ready"  # Triton answers, but the model is not loaded
    BUSY = "busy"  # the model's queue is full: alive, but no proof that it gets anywhere
    FAILED = "failed"  # the model, or what runs it, answers with an error
    TIMED_OUT = "timed out"  # no answer in time


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The canary got its token."""

    latency: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent:
    """The canary got none; ``detail`` is for people."""

    reason: Silence
    detail: str


async def is_ready(address: str, model: str, *, timeout_seconds: float) -> bool:
    """Whether Triton at ``address`` (``host:port`` of its gRPC) says that ``model`` is ready."""
    async with triton.InferenceServerClient(address) as client:
        return await _readiness(client, model, timeout_seconds) is None


async def probe(address: str, model: str, *, timeout_seconds: float) -> Answered | Silent:
    """Asks ``model`` for one token. Never raises for a model that is unwell."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    try:
        async with (
            asyncio.timeout(timeout_seconds),
            triton.InferenceServerClient(address) as client,
        ):
            if (silent := await _readiness(client, model, timeout_seconds)) is not None:
                return silent
            await _one_token(client, model)
    except TimeoutError:
        detail = f"{model} at {address} gave no token within {timeout_seconds:g} s"
        return Silent(reason=Silence.TIMED_OUT, detail=detail)
    except grpc.aio.AioRpcError as error:
        return _silent(error)
    except (triton.InferenceServerException, ValueError) as error:
        return Silent(reason=Silence.FAILED, detail=str(error))
    return Answered(latency=timedelta(seconds=loop.time() - start))


async def _readiness(
    client: triton.InferenceServerClient, model: str, timeout_seconds: float
) -> Silent | None:
    try:
        ready = await client.is_model_ready(model, client_timeout=timeout_seconds)
    except triton.InferenceServerException as error:
        timed_out = error.status() == str(grpc.StatusCode.DEADLINE_EXCEEDED)
        reason = Silence.TIMED_OUT if timed_out else Silence.UNREACHABLE
        return Silent(reason=reason, detail=error.message())
    if not ready:
        return Silent(reason=Silence.NOT_READY, detail=f"{model} is not loaded")
    return None


async def _one_token(client: triton.InferenceServerClient, model: str) -> None:
    """Raises AioRpcError, InferenceServerException; ValueError where no token came.

    The stream is read to its end: cancelled between the last response and its end, Triton 24.10
    keeps the request for ever, and then needs its whole exit timeout to stop (measured).
    """
    responses = client.stream_infer(_requests(model), headers=_STATUS_ERRORS)
    tokens = 0
    try:
        async for result, error in responses:
            if error is not None:
                raise error
            tokens = int(result.as_numpy("completion_tokens")[0])
    finally:
        responses.cancel()
    if tokens == 0:
        raise ValueError(f"{model} ended its answer without a token")


async def _requests(model: str) -> Any:
    inputs = [
        _tensor("text_input", "BYTES", np.array([PROMPT.encode()], np.object_)),
        _tensor("max_tokens", "INT32", np.array([1], np.int32)),
        _tensor("temperature", "FP32", np.array([0], np.float32)),
    ]
    yield {"model_name": model, "inputs": inputs}


def _tensor(name: str, kind: str, values: np.ndarray[Any, Any]) -> triton.InferInput:
    tensor = triton.InferInput(name, list(values.shape), kind)
    tensor.set_data_from_numpy(values)
    return tensor


def _silent(error: grpc.aio.AioRpcError) -> Silent:
    detail = error.details() or error.code().name
    match error.code():
        case grpc.StatusCode.UNAVAILABLE if detail.startswith(_QUEUE_FULL):
            return Silent(reason=Silence.BUSY, detail=detail)
        case grpc.StatusCode.UNAVAILABLE:
            return Silent(reason=Silence.UNREACHABLE, detail=detail)
        case grpc.StatusCode.NOT_FOUND:
            return Silent(reason=Silence.NOT_READY, detail=detail)
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return Silent(reason=Silence.TIMED_OUT, detail=detail)
        case _:
            return Silent(reason=Silence.FAILED, detail=detail)
