"""The tensors and errors on Triton's wire: a KServe server that keeps what it was sent.

It stands for models and moments that the real one does not have; the real one answers in
``test_gateway.py``.
"""

import asyncio
import json
from contextlib import aclosing, asynccontextmanager

import grpc
import numpy as np
import pytest
from tritonclient.grpc import service_pb2, service_pb2_grpc

from workloads.gateway.generation import (
    AdapterStrength,
    Busy,
    Generation,
    GenerationFailed,
    InvalidGeneration,
    NotFound,
    TimedOut,
    TokenLogprob,
    Unavailable,
)
from workloads.gateway.triton_model import TritonModel

PLAIN = {"text_input", "messages", "stop", "stream", "max_tokens", "temperature", "top_p", "seed"}
ALL = PLAIN | {"top_k", "min_p", "repetition_penalty", "logprobs", "deadline_seconds"}
ALL |= {"adapters", "adapter_strengths", "command"}
DTYPES = {"FP32": np.float32, "INT32": np.int32, "INT64": np.int64, "BOOL": np.bool_}


class KServe(service_pb2_grpc.GRPCInferenceServiceServicer):
    def __init__(self, inputs, responses=(), failure=None):
        self.inputs = inputs
        self.responses = responses
        self.failure = failure
        self.commands = []
        self.generations = []

    async def ModelMetadata(self, request, context):  # noqa: N802 - as generated
        tensors = [
            service_pb2.ModelMetadataResponse.TensorMetadata(name=name) for name in self.inputs
        ]
        return service_pb2.ModelMetadataResponse(name=request.name, inputs=tensors)

    async def ModelStreamInfer(self, requests, context):  # noqa: N802 - as generated
        async for request in requests:
            sent = {
                tensor.name: values(tensor, raw)
                for tensor, raw in zip(request.inputs, request.raw_input_contents, strict=True)
            }
            if set(sent) == {"command"}:
                self.commands.append(json.loads(sent["command"][0]))
            else:
                self.generations.append(sent)
        if self.failure is not None:
            await context.abort(*self.failure)
        for outputs in self.responses:
            yield response(outputs)


def values(tensor, raw):
    if tensor.datatype == "BYTES":
        strings = []
        while raw:
            length = int.from_bytes(raw[:4], "little")
            strings.append(raw[4 : 4 + length].decode())
            raw = raw[4 + length :]
        return strings
    return np.frombuffer(raw, DTYPES[tensor.datatype]).tolist()


def response(outputs):
    inferred = service_pb2.ModelInferResponse()
    for name, value in outputs.items():
        kind = "INT32" if isinstance(value, int) else "BYTES"
        raw = np.int32(value).tobytes() if kind == "INT32" else encoded(value)
        inferred.outputs.add(name=name, datatype=kind, shape=[1])
        inferred.raw_output_contents.append(raw)
    return service_pb2.ModelStreamInferResponse(infer_response=inferred)


def encoded(text):
    return len(text.encode()).to_bytes(4, "little") + text.encode()


def outputs(text, reason="", **others):
    return {
        "text_output": text,
        "finish_reason": reason,
        "prompt_tokens": 3,
        "completion_tokens": 1,
    } | others


@asynccontextmanager
async def before(server):
    running = grpc.aio.server()
    service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(server, running)
    port = running.add_insecure_port("127.0.0.1:0")
    await running.start()
    try:
        async with TritonModel(f"127.0.0.1:{port}", "m", timeout_seconds=60) as model:
            yield model
    finally:
        await running.stop(None)


async def generated(model, generation):
    async with aclosing(model.generate(generation)) as pieces:
        return [piece async for piece in pieces]


class TestTensors:
    async def test_all_that_is_set_is_sent(self):
        server = KServe(ALL, [outputs("x", "stop")])
        generation = Generation(
            source="once",
            max_tokens=5,
            temperature=0.5,
            top_p=0.25,
            top_k=4,
            min_p=0.125,
            repetition_penalty=1.5,
            seed=2**40,
            stops=("é", "b"),
            logprobs=2,
            adapters=(
                AdapterStrength(name="pirate", strength=0.5),
                AdapterStrength(name="poet", strength=1),
            ),
        )
        async with before(server) as model:
            await generated(model, generation)
        (sent,) = server.generations
        assert sent == {
            "text_input": ["once"],
            "stop": ["é", "b"],
            "adapters": ["pirate", "poet"],
            "adapter_strengths": [0.5, 1.0],
            "stream": [True],
            "max_tokens": [5],
            "temperature": [0.5],
            "top_p": [0.25],
            "top_k": [4],
            "min_p": [0.125],
            "repetition_penalty": [1.5],
            "seed": [2**40],
            "logprobs": [2],
            "deadline_seconds": [60.0],
        }

    async def test_what_is_not_set_is_left_to_the_model(self):
        server = KServe(PLAIN, [outputs("x", "stop")])
        async with before(server) as model:
            await generated(model, Generation(source="once"))
        assert server.generations == [{"text_input": ["once"], "stream": [True]}]

    async def test_what_the_model_does_not_take_is_refused_by_name(self):
        server = KServe(PLAIN)
        async with before(server) as model:
            with pytest.raises(InvalidGeneration, match="takes no logprobs and no min_p"):
                await generated(model, Generation(source="x", min_p=0.5, logprobs=0))
            with pytest.raises(InvalidGeneration, match="takes no adapters"):
                await model.load_adapter("a", "/a")
            assert await model.adapters() == ()
        assert not server.generations
        assert not server.commands

    async def test_logprobs_are_read_and_impossible_ones_bounded(self):
        token = {"token": "x", "logprob": -0.5, "bytes": [120]}
        never = {"token": "y", "logprob": float("-inf"), "bytes": [121]}
        document = json.dumps([token | {"top": [token, never]}])
        server = KServe(ALL, [outputs("x", logprobs=document), outputs("", "stop", logprobs="")])
        async with before(server) as model:
            first, last = await generated(model, Generation(source="x", logprobs=2))
        x = TokenLogprob(token="x", logprob=-0.5, bytes=(120,))
        y = TokenLogprob(token="y", logprob=-9999.0, bytes=(121,))
        assert first.logprobs == (TokenLogprob(token="x", logprob=-0.5, bytes=(120,), top=(x, y)),)
        assert last.logprobs == ()


class TestCommands:
    async def test_adapters_are_listed_loaded_and_unloaded(self):
        server = KServe(ALL, [{"text_output": '{"adapters": ["a", "b"]}'}])
        async with before(server) as model:
            assert await model.adapters() == ("a", "b")
            await model.load_adapter("c", "/c")
            await model.unload_adapter("c")
        assert server.commands == [
            {"list_adapters": {}},
            {"load_adapter": {"name": "c", "directory": "/c"}},
            {"unload_adapter": {"name": "c"}},
        ]
        assert not server.generations

    @pytest.mark.parametrize("answer", ["", "[]", "{", '{"adapters": 3}'])
    async def test_an_answer_that_is_none_is_a_failure(self, answer):
        async with before(KServe(ALL, [{"text_output": answer}])) as model:
            with pytest.raises(GenerationFailed):
                await model.adapters()


class TestErrors:
    @pytest.mark.parametrize(
        ("code", "message", "kind"),
        [
            (grpc.StatusCode.INVALID_ARGUMENT, "too long", InvalidGeneration),
            (grpc.StatusCode.ALREADY_EXISTS, "it is loaded", InvalidGeneration),
            (grpc.StatusCode.UNIMPLEMENTED, "no adapters here", InvalidGeneration),
            (grpc.StatusCode.NOT_FOUND, "no adapter a is loaded", NotFound),
            (grpc.StatusCode.NOT_FOUND, "Request for unknown model: 'm'", Unavailable),
            (grpc.StatusCode.UNAVAILABLE, "queue full: 16 wait", Busy),
            (grpc.StatusCode.UNAVAILABLE, "unloading", Unavailable),
            (grpc.StatusCode.CANCELLED, "deadline of 60 s passed", TimedOut),
            (grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded", TimedOut),
            (grpc.StatusCode.CANCELLED, "otherwise", GenerationFailed),
            (grpc.StatusCode.INTERNAL, "/path/model.py", GenerationFailed),
        ],
    )
    async def test_a_status_means_one_kind_of_failure(self, code, message, kind):
        async with before(KServe(ALL, failure=(code, message))) as model:
            with pytest.raises(GenerationFailed) as failed:
                await generated(model, Generation(source="x"))
        assert type(failed.value) is kind

    async def test_an_answer_without_an_end_is_a_failure(self):
        async with before(KServe(ALL, [outputs("x")])) as model:
            with pytest.raises(GenerationFailed, match="finish reason"):
                await generated(model, Generation(source="x"))

    async def test_nobody_there_is_unavailable_and_asked_again_later(self):
        server = KServe(ALL, [outputs("x", "stop")])
        async with TritonModel("127.0.0.1:1", "m", timeout_seconds=1) as model:
            with pytest.raises(Unavailable) as refused:
                await generated(model, Generation(source="x"))
            assert "127.0.0.1" not in str(refused.value)
        async with before(server) as model:
            assert await generated(model, Generation(source="x"))

    async def test_a_generator_that_is_closed_cancels_the_call(self):
        cancelled = asyncio.Event()

        class Endless(KServe):
            async def ModelStreamInfer(self, requests, context):  # noqa: N802 - as generated
                try:
                    while True:
                        yield response(outputs("x"))
                        await asyncio.sleep(0.01)
                finally:
                    cancelled.set()

        async with before(Endless(ALL)) as model:
            pieces = model.generate(Generation(source="x"))
            await anext(pieces)
            await pieces.aclose()
            await asyncio.wait_for(cancelled.wait(), 10)
