"""Triton's side of the chat model: tensors to requests, chunks to responses. No maths here."""
# ruff: noqa: INP001 - Triton loads it by its path, not as part of a package

import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE))

from generation.adapters import Adapters  # noqa: E402 - it lies beside this file
from generation.cache import CudaMemory  # noqa: E402
from generation.commands import Commands  # noqa: E402
from generation.courier import Courier  # noqa: E402
from generation.decoder import OnnxDecoder  # noqa: E402
from generation.engine import Engine, Limits, Load  # noqa: E402
from generation.manifest import (  # noqa: E402
    MODEL_NAME,
    MODEL_WITH_ADAPTERS_NAME,
    SamplingDefaults,
    verify,
)
from generation.prefix_cache import PrefixCache  # noqa: E402
from generation.provider import execution_providers  # noqa: E402
from generation.request import (  # noqa: E402
    AdapterStrength,
    Chunk,
    Expired,
    GenerationError,
    GenerationRequest,
    InvalidRequest,
    Likelihood,
    QueueFull,
    Sampling,
    TokenLikelihood,
    UnknownAdapter,
)
from generation.text import Language, parse_messages  # noqa: E402

logger = logging.getLogger("chat_lm")

MEGABYTE = 1_000_000
ADAPTERS_DIRECTORY = "MOORAGE_ADAPTERS_DIRECTORY"
"""Where adapters are loaded from. Without it, the graph that takes none serves, a little faster."""
ADAPTERS = "MOORAGE_ADAPTERS"
"""What is loaded at the start: ``name=directory``, comma-separated."""


class TritonPythonModel:
    def initialize(self, args: dict[str, str]) -> None:
        logging.basicConfig(level=logging.INFO, stream=sys.stderr)
        config = json.loads(args["model_config"])
        settings = {key: value["string_value"] for key, value in config["parameters"].items()}
        kind, device = args["model_instance_kind"], args["model_instance_device_id"]
        manifest = verify(_HERE)
        self._defaults = manifest.defaults
        self._language = Language(
            _HERE,
            begin_token=manifest.shape.begin_token,
            end_token=manifest.shape.end_tokens[0],
        )
        adapters = Adapters(manifest.shape, int(settings["adapter_megabytes"]) * MEGABYTE)
        directory = os.environ.get(ADAPTERS_DIRECTORY)
        for name, path in _declared(os.environ.get(ADAPTERS, "")):
            adapters.load(name, path)
        decoder = OnnxDecoder(
            _HERE / (MODEL_WITH_ADAPTERS_NAME if directory else MODEL_NAME),
            manifest.shape,
            rows=int(settings["rows"]),
            context_length=min(int(settings["context_length"]), manifest.shape.context_length),
            threads=int(settings["threads"]) or len(os.sched_getaffinity(0)),
            adapters=adapters if directory else None,
            providers=execution_providers(
                kind,
                device,
                float_type=manifest.shape.float_type,
                available=onnxruntime.get_available_providers(),
            ),
            memory=CudaMemory(int(device)) if kind == "GPU" else None,
        )
        self._commands = Commands(adapters, Path(directory) if directory else None)
        self._engine = Engine(
            decoder,
            self._language,
            end_tokens=manifest.shape.end_tokens,
            limits=Limits(
                waiting=int(settings["waiting"]),
                single=int(settings["waiting"]),
                default_max_tokens=int(settings["default_max_tokens"]),
                chunk_tokens=int(settings["chunk_tokens"]),
                draft_tokens=int(settings["draft_tokens"]),
            ),
            adapters=adapters,
            prefixes=PrefixCache(
                block_tokens=int(settings["prefix_block_tokens"]),
                most_bytes=int(settings["prefix_megabytes"]) * MEGABYTE,
            ),
            on_load=LoadMetrics(args["model_name"]),
        )
        self._courier = Courier()
        self._courier.start()
        self._engine.start()

    def execute(self, requests: list[Any]) -> None:
        for request in requests:
            whole = not _scalar(request, "stream", default=False)
            outlet = ResponseOutlet(request, self._language, self._courier, whole=whole)
            try:
                if command := _strings(request, "command"):
                    outlet.answer(self._commands.obey(command[0]))
                else:
                    self._engine.submit(self._read(request), outlet)
            except GenerationError as error:
                outlet.fail(error)
            except Exception:  # an escaping error would leave this list's other requests open
                logger.exception("a request could not be read")
                outlet.fail(GenerationError("the model could not read the request; see its log"))

    def finalize(self) -> None:
        self._engine.close()
        self._courier.close()

    def _read(self, request: Any) -> GenerationRequest:
        seconds = _scalar(request, "deadline_seconds")
        return GenerationRequest(
            prompt=self._prompt(request),
            sampling=_sampling(request, self._defaults),
            max_tokens=_scalar(request, "max_tokens"),
            stops=tuple(_strings(request, "stop")),
            logprobs=_scalar(request, "logprobs"),
            adapters=_adapters(request),
            deadline=None if seconds is None else time.monotonic() + seconds,
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
    """Sends one request's chunks as Triton responses: as they come, or as one ``whole`` text.

    But for the flag that tells of a cancellation, the courier's thread alone touches it.
    """

    def __init__(self, request: Any, language: Language, courier: Courier, *, whole: bool) -> None:
        self._sender = request.get_response_sender()
        self._language = language
        self._courier = courier
        self._whole = whole
        self._texts: list[str] = []
        self._likelihoods: list[TokenLikelihood] = []
        self._open = True
        self._cancelled = False
        courier.watch(self._is_awaited)

    def cancelled(self) -> bool:
        return self._cancelled

    def emit(self, chunk: Chunk) -> None:
        self._courier.post(lambda: self._emit(chunk))

    def answer(self, text: str) -> None:
        """The whole answer to a command."""
        self.emit(Chunk(text=text, prompt_tokens=0, completion_tokens=0, finish_reason="stop"))

    def fail(self, error: GenerationError) -> None:
        self._courier.post(lambda: self._fail(error))

    def _is_awaited(self) -> bool:
        if self._open and self._sender.is_cancelled():
            self._open, self._cancelled = False, True
            self._sender.send(flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
        return self._open

    def _emit(self, chunk: Chunk) -> None:
        if not self._open:
            return
        self._texts.append(chunk.text)
        self._likelihoods += chunk.likelihoods
        if chunk.finish_reason is not None or not self._whole:
            self._send(chunk)

    def _fail(self, error: GenerationError) -> None:
        if not self._open:
            return
        self._open = False
        response = pb_utils.InferenceResponse(
            error=pb_utils.TritonError(str(error), _error_code(error))
        )
        self._sender.send(response, flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL)

    def _send(self, chunk: Chunk) -> None:
        """Sends the chunk, with what was held back before it."""
        response = pb_utils.InferenceResponse(
            [
                _string_tensor("text_output", "".join(self._texts)),
                _string_tensor("finish_reason", chunk.finish_reason or ""),
                _integer_tensor("prompt_tokens", chunk.prompt_tokens),
                _integer_tensor("completion_tokens", chunk.completion_tokens),
                _string_tensor("logprobs", self._told_likelihoods()),
            ]
        )
        self._texts.clear()
        self._likelihoods.clear()
        final = chunk.finish_reason is not None
        self._open = not final
        self._sender.send(response, flags=pb_utils.TRITONSERVER_RESPONSE_COMPLETE_FINAL * final)

    def _told_likelihoods(self) -> str:
        if not self._likelihoods:
            return ""
        return json.dumps(
            [
                {**self._told(one.chosen), "top": [self._told(other) for other in one.likeliest]}
                for one in self._likelihoods
            ]
        )

    def _told(self, one: Likelihood) -> dict[str, Any]:
        content = self._language.token_bytes(one.token)
        token = content.decode("utf-8", "replace")
        return {"token": token, "logprob": one.logprob, "bytes": list(content)}


def _declared(text: str) -> list[tuple[str, Path]]:
    pairs = (pair.partition("=") for pair in text.split(",") if pair)
    return [(name, Path(path)) for name, _, path in pairs]


def _error_code(error: GenerationError) -> Any:
    """Triton's code for an error. The gateway's answer depends on it."""
    match error:
        case InvalidRequest():
            return pb_utils.TritonError.INVALID_ARG
        case UnknownAdapter():
            return pb_utils.TritonError.NOT_FOUND
        case Expired():
            return pb_utils.TritonError.CANCELLED
        case QueueFull():
            return pb_utils.TritonError.UNAVAILABLE
        case _:
            return pb_utils.TritonError.INTERNAL


class LoadMetrics:
    """Exports the engine's load: Triton's own queue metrics stay near zero in decoupled mode."""

    def __init__(self, model_name: str) -> None:
        labels = {"model": model_name}
        gauge, counter = pb_utils.MetricFamily.GAUGE, pb_utils.MetricFamily.COUNTER
        described = {
            "waiting": (gauge, "waiting_requests", "Requests whose prompt is not computed yet"),
            "running": (gauge, "running_requests", "Requests that are being decoded"),
            "cached_tokens": (gauge, "cached_tokens", "Tokens of running requests in the cache"),
            "prompt_tokens_total": (counter, "prompt_tokens", "Tokens of prompts"),
            "reused_tokens_total": (
                counter,
                "reused_prompt_tokens",
                "Tokens of prompts that an earlier prompt began with too",
            ),
            "completion_tokens_total": (counter, "completion_tokens", "Tokens of answers"),
        }
        self._last: Load | None = None
        # A metric dies with its family, so both are kept.
        self._families = {
            field: pb_utils.MetricFamily(name=f"chat_lm_{name}", description=description, kind=kind)
            for field, (kind, name, description) in described.items()
        }
        self._metrics = {
            field: family.Metric(labels=labels) for field, family in self._families.items()
        }

    def __call__(self, load: Load) -> None:
        """Calls to Triton cost, so only what has changed is told.

        Metrics outlive the process that told them: the first report sets gauges right.
        """
        for field, metric in self._metrics.items():
            value, before = getattr(load, field), getattr(self._last, field, None)
            if value == before:
                continue
            if field.endswith("_total"):
                metric.increment(value - (before or 0))
            else:
                metric.set(value)
        self._last = load


def _sampling(request: Any, defaults: SamplingDefaults) -> Sampling:
    return Sampling(
        temperature=_scalar(request, "temperature", default=defaults.temperature),
        top_p=_scalar(request, "top_p", default=defaults.top_p),
        top_k=_scalar(request, "top_k", default=0),
        min_p=_scalar(request, "min_p", default=0.0),
        repetition_penalty=_scalar(request, "repetition_penalty", default=1.0),
        seed=_scalar(request, "seed"),
    )


def _adapters(request: Any) -> tuple[AdapterStrength, ...]:
    names = _strings(request, "adapters")
    tensor = pb_utils.get_input_tensor_by_name(request, "adapter_strengths")
    values = [] if tensor is None else tensor.as_numpy().reshape(-1).tolist()
    if len(names) != len(values):
        raise InvalidRequest("adapters and adapter_strengths must be equally many")
    return tuple(
        AdapterStrength(name=name, strength=value)
        for name, value in zip(names, values, strict=True)
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
