"""Triton's side of the chat model: tensors to requests, chunks to responses. No maths here."""
# ruff: noqa: INP001 - Triton loads it by its path, not as part of a package

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import triton_python_backend_utils as pb_utils

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE))

from generation.decoder import MODEL_NAME, OnnxDecoder  # noqa: E402 - it lies beside this file
from generation.engine import Engine, Limits, Load  # noqa: E402
from generation.manifest import SamplingDefaults, verify  # noqa: E402
from generation.request import (  # noqa: E402
    Chunk,
    GenerationError,
    GenerationRequest,
    InvalidRequest,
    QueueFull,
    Sampling,
)
from generation.text import Language, parse_messages  # noqa: E402

logger = logging.getLogger("chat_lm")


class TritonPythonModel:
    def initialize(self, args: dict[str, str]) -> None:
        logging.basicConfig(level=logging.INFO, stream=sys.stderr)
        config = json.loads(args["model_config"])
        settings = {key: int(value["string_value"]) for key, value in config["parameters"].items()}
        manifest = verify(_HERE)
        self._defaults = manifest.defaults
        self._language = Language(_HERE)
        decoder = OnnxDecoder(
            _HERE / MODEL_NAME,
            manifest.shape,
            slots=settings["slots"] + 1,  # the engine keeps one free
            context_length=min(settings["context_length"], manifest.shape.context_length),
            threads=settings["threads"] or len(os.sched_getaffinity(0)),
        )
        limits = Limits(
            waiting=settings["waiting"],
            single=settings["waiting"],
            default_max_tokens=settings["default_max_tokens"],
        )
        self._engine = Engine(
            decoder,
            self._language,
            end_tokens=manifest.shape.end_tokens,
            limits=limits,
            on_load=LoadGauges(args["model_name"]),
        )
        self._engine.start()

    def execute(self, requests: list[Any]) -> None:
        for request in requests:
            outlet = ResponseOutlet(request, whole=not _scalar(request, "stream", default=False))
            try:
                self._engine.submit(self._read(request), outlet)
            except GenerationError as error:
                outlet.fail(error)
            except Exception:  # an escaping error would leave this list's other requests open
                logger.exception("a request could not be read")
                outlet.fail(GenerationError("the model could not read the request; see its log"))

    def finalize(self) -> None:
        self._engine.close()

    def _read(self, request: Any) -> GenerationRequest:
        return GenerationRequest(
            prompt=self._prompt(request),
            sampling=_sampling(request, self._defaults),
            max_tokens=_scalar(request, "max_tokens"),
            stops=tuple(_strings(request, "stop")),
        )

    def _prompt(self, request: Any) -> list[int]:
        texts, messages = _strings(request, "text_input"), _strings(request, "messages")
        if len(texts) + len(messages) != 1:
            raise InvalidRequest("give exactly one of text_input and messages")
        tokens: list[int] = (
            self._language.encode(texts[0])
            if texts
            else self._language.encode_chat(parse_messages(messages[0]))
        )
        return tokens


class ResponseOutlet:
    """Sends one request's chunks as Triton responses: as they come, or as one ``whole`` text."""

    def __init__(self, request: Any, *, whole: bool) -> None:
        self._sender = request.get_response_sender()
        self._whole = whole
        self._pieces: list[str] = []

    def cancelled(self) -> bool:
        if not self._sender.is_cancelled():
            return False
        self._sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
        return True

    def emit(self, chunk: Chunk) -> None:
        self._pieces.append(chunk.text)
        if chunk.finish_reason is None and self._whole:
            return
        text = "".join(self._pieces)
        self._pieces.clear()
        response = pb_utils.InferenceResponse(
            [
                _string_tensor("text_output", text),
                _string_tensor("finish_reason", chunk.finish_reason or ""),
                _integer_tensor("prompt_tokens", chunk.prompt_tokens),
                _integer_tensor("completion_tokens", chunk.completion_tokens),
            ]
        )
        final = chunk.finish_reason is not None
        self._sender.send(response, flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL * final)

    def fail(self, error: GenerationError) -> None:
        response = pb_utils.InferenceResponse(
            error=pb_utils.TritonError(str(error), _error_code(error))
        )
        self._sender.send(response, flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)


def _error_code(error: GenerationError) -> Any:
    """Triton's code for an error. The gateway's answer depends on it."""
    match error:
        case InvalidRequest():
            return pb_utils.TritonError.INVALID_ARG
        case QueueFull():
            return pb_utils.TritonError.UNAVAILABLE
        case _:
            return pb_utils.TritonError.INTERNAL


class LoadGauges:
    """Exports the engine's load: Triton's own queue metrics stay near zero in decoupled mode."""

    def __init__(self, model_name: str) -> None:
        self._last: Load | None = None
        # A metric dies with its family, so both are kept.
        self._families = [
            _gauge_family("chat_lm_waiting_requests", "Requests that have no slot yet"),
            _gauge_family("chat_lm_running_requests", "Requests that are being decoded"),
        ]
        labels = {"model": model_name}
        self._waiting, self._running = [family.Metric(labels=labels) for family in self._families]

    def __call__(self, load: Load) -> None:
        if load == self._last:
            return
        self._last = load
        self._waiting.set(load.waiting)
        self._running.set(load.running)


def _gauge_family(name: str, description: str) -> Any:
    kind = pb_utils.MetricFamily.GAUGE
    return pb_utils.MetricFamily(name=name, description=description, kind=kind)


def _sampling(request: Any, defaults: SamplingDefaults) -> Sampling:
    return Sampling(
        temperature=_scalar(request, "temperature", default=defaults.temperature),
        top_p=_scalar(request, "top_p", default=defaults.top_p),
        top_k=_scalar(request, "top_k", default=0),
        seed=_scalar(request, "seed"),
    )


def _scalar(request: Any, name: str, *, default: Any = None) -> Any:
    tensor = pb_utils.get_input_tensor_by_name(request, name)
    return default if tensor is None else tensor.as_numpy().reshape(-1)[0].item()


def _strings(request: Any, name: str) -> list[str]:
    tensor = pb_utils.get_input_tensor_by_name(request, name)
    if tensor is None:
        return []
    try:
        return [value.decode("utf-8") for value in tensor.as_numpy().reshape(-1)]
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{name} is not UTF-8: {error}") from error


def _string_tensor(name: str, text: str) -> Any:
    return pb_utils.Tensor(name, np.array([text.encode()], dtype=np.object_))


def _integer_tensor(name: str, value: int) -> Any:
    return pb_utils.Tensor(name, np.array([value], dtype=np.int32))
