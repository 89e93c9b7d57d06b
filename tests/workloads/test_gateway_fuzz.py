"""Whatever comes over the wire, the answer is one that the documentation knows: never a 500."""

import asyncio
import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.workloads.scripted_gateway import BASE, ScriptedModel, said, serving
from workloads.gateway.adapters import LoadAdapter, UnloadAdapter
from workloads.gateway.generation import Generation
from workloads.gateway.kaito_chat import ChatRequest, GenerateKwargs
from workloads.gateway.limits import Limits
from workloads.gateway.openai_requests import ChatCompletionRequest, CompletionRequest
from workloads.gateway.triton_model import _inputs

MESSAGES = [{"role": "user", "content": "x"}]
PLAIN: dict[str, tuple[dict[str, Any], set[str]]] = {
    "/v1/chat/completions": (
        {"model": BASE, "messages": MESSAGES, "logprobs": True},
        {*ChatCompletionRequest.model_fields},
    ),
    "/v1/completions": ({"model": BASE, "prompt": "x"}, {*CompletionRequest.model_fields}),
    "/chat": ({"prompt": "x"}, {*ChatRequest.model_fields}),
    "/v1/load_lora_adapter": ({"lora_name": "a", "lora_path": "/a"}, {*LoadAdapter.model_fields}),
    "/v1/unload_lora_adapter": ({"lora_name": "a"}, {*UnloadAdapter.model_fields}),
}
"""A valid body for each route, and the names of its fields."""

ODD = [None, True, -1, 0, 1, 0.5, 2**31, 2**63, 10**400, math.inf, math.nan, "", "x", "\ud800"]
ODD += [[], [""], ["\ud800"], {}, {"\ud800": 1}, {"x": 2**63}, {"include_usage": True}, MESSAGES]

KNOWN = {200, 400, 404, 405, 408, 413, 422, 431}
UNTOLD = (b"Traceback", b'File "', b".py", b"site-packages", b"Internal Server Error")

# With halves of surrogate pairs, which JSON can spell.
text = st.text(st.characters(codec=None), max_size=12)
numbers = st.one_of(
    st.integers(-3, 25),
    st.integers(),
    st.sampled_from([2**31 - 1, 2**31, 2**63 - 1, 2**63, -(2**63), 10**400]),
    st.floats(),
    st.floats(0, 2),
)
scalars = st.none() | st.booleans() | numbers | text
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=8,
)
flags = st.sampled_from([None, True, False])
small = st.sampled_from([0, 1, 2, 0.5, 2**31, 2**63])
shaped = st.sampled_from(["x", ["x"], {}, {"a": 0.5}, {"include_usage": True}, MESSAGES])
plausible = flags | small | shaped
kwargs = st.dictionaries(st.sampled_from([*GenerateKwargs.model_fields]), plausible | scalars)


@st.composite
def bodies(draw, path: str) -> bytes:
    """A valid body with other values here and there, and seldom one less."""
    plain, fields = PLAIN[path]
    known = st.sampled_from(sorted(fields))
    body = plain | draw(st.dictionaries(known, plausible | kwargs, max_size=3))
    body |= draw(st.dictionaries(known | text, values, max_size=1))
    if draw(st.integers(0, 9)) == 0:
        del body[draw(st.sampled_from(sorted(plain)))]
    return json.dumps(body).encode()


@st.composite
def damaged(draw, content: bytes) -> bytes:
    """``content`` cut off, with bytes in its midst, or something else altogether."""
    place = draw(st.integers(0, len(content)))
    inserted = draw(st.binary(max_size=8) | st.sampled_from([b"[" * 5000, b'{"a":' * 500]))
    return draw(
        st.sampled_from(
            [content[:place], content[:place] + inserted + content[place:], inserted, content]
        )
    )


names = st.text(st.characters(categories=["L", "N"], max_codepoint=126), min_size=1, max_size=20)
header_values = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=200)
headers = st.lists(
    st.tuples(
        names
        | st.sampled_from(["X-Request-Id", "Content-Type", "Authorization", "Cookie", "Upgrade"]),
        header_values,
    ),
    max_size=5,
)
framing = st.lists(
    st.tuples(
        st.sampled_from(["Content-Length", "Transfer-Encoding", "Expect", "Connection"]),
        st.sampled_from(["chunked", "100-continue", "0", "2", "-1", "3", "keep-alive, upgrade"]),
    ),
    max_size=2,
)


async def writable(generation: Generation):
    _inputs(generation)  # all that was let in goes into tensors
    yield said("Hello", 1, "stop")


@pytest.fixture
async def served():
    async with serving(ScriptedModel(writable)) as served:
        yield served


@pytest.fixture
async def impatient():
    """For clients that send less than they promise."""
    limits = Limits(body_seconds=0.05, arrival_seconds=0.1)
    async with serving(ScriptedModel(writable), limits=limits) as served:
        yield served


def request(method: str, path: str, lines: list[tuple[str, str]], body: bytes) -> bytes:
    lines = [("Host", "x"), ("Connection", "close"), *lines, ("Content-Length", str(len(body)))]
    told = "".join(f"{name}: {value}\r\n" for name, value in lines)
    return f"{method} {path} HTTP/1.1\r\n{told}\r\n".encode("latin-1") + body


async def answer(served, sent: bytes) -> bytes:
    """All that the server says until it closes; a server that hangs is a failure."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    try:
        async with asyncio.timeout(10):
            writer.write(sent)
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def judge(answered: bytes) -> None:
    answered = answered.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    head, _, body = answered.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    assert status in KNOWN
    assert not any(untold in answered for untold in UNTOLD)
    if b"text/event-stream" in head:
        assert b"data: [DONE]\n\n" in body
    elif b"application/json" in head:
        assert isinstance(json.loads(body), dict)
    else:
        assert body in (b"", b"Invalid HTTP request received.")


fuzzed = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.parametrize("path", PLAIN)
async def test_each_field_with_each_odd_value_gets_an_answer_that_is_known(served, path):
    plain, fields = PLAIN[path]
    bodies = [plain | {name: value} for name in sorted(fields) for value in ODD]
    if path == "/chat":
        names = sorted(GenerateKwargs.model_fields)
        bodies += [plain | {"generate_kwargs": {name: value}} for name in names for value in ODD]
    for body in bodies:
        judge(await answer(served, request("POST", path, [], json.dumps(body).encode())))


@pytest.mark.parametrize("path", PLAIN)
@fuzzed
@given(data=st.data())
async def test_any_body_gets_an_answer_that_is_known(served, path, data):
    body = data.draw(bodies(path))
    judge(await answer(served, request("POST", path, [], body)))


@pytest.mark.parametrize("path", PLAIN)
@fuzzed
@given(data=st.data())
async def test_a_body_that_is_damaged_gets_an_answer_that_is_known(served, path, data):
    body = data.draw(damaged(json.dumps(PLAIN[path][0]).encode()))
    judge(await answer(served, request("POST", path, [], body)))


@fuzzed
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "X"]),
    path=st.sampled_from([*PLAIN, "/", "/health", "/v1/models", "/v1/models/%0a%ff", "/%00?a=%zz"]),
    lines=st.tuples(headers, framing).map(lambda both: both[0] + both[1]),
)
async def test_any_head_gets_an_answer_that_is_known(impatient, method, path, lines):
    answered = await answer(impatient, request(method, path, lines, b"{}"))
    if method == "HEAD":
        answered = answered.replace(b"application/json", b"none")  # the type of what is left out
    if answered:  # a wrong framing may close the connection
        judge(answered)


@fuzzed
@given(data=st.data())
async def test_bytes_that_are_no_request_get_an_answer_or_an_end(impatient, data):
    plain = request("POST", "/chat", [], b'{"prompt": "x"}')
    sent = data.draw(damaged(plain))
    if answered := await answer(impatient, sent):
        judge(answered)
