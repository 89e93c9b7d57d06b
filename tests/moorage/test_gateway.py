"""What a gateway's client makes of answers that are none."""

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from moorage.failure import ExitCode, Failure
from moorage.gateway import Sampling, Speed, adapter_strengths, gateway

SAID = [{"role": "user", "content": "hello"}]


def _answers(text: str, status: int = 200):
    async def answer(_: web.Request) -> web.Response:
        return web.Response(text=text, status=status)

    application = web.Application()
    application.router.add_post("/v1/chat/completions", answer)
    return TestServer(application)


async def _streamed(server: TestServer) -> list[str | Speed]:
    async with server, gateway(str(server.make_url("/")), "model") as model:
        return [piece async for piece in model.stream(SAID, Sampling())]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{"error": {"message": "simulated workload"}}', "503: simulated workload"),
        ('{"detail": "not ready"}', "503: not ready"),
        ("<html>", "503: <html>"),
        ('{"strange": 1}', '503: {"strange": 1}'),
    ],
)
async def test_a_refusal_is_told_in_the_server_s_words(body, told):
    with pytest.raises(Failure) as caught:
        await _streamed(_answers(body, status=503))
    assert caught.value.message.endswith(told)


async def test_an_error_in_mid_stream_is_a_failure():
    events = (
        'data: {"choices": [{"delta": {"content": "Hel"}}]}\n\n'
        'data: {"error": {"message": "the model has died"}}\n\n'
    )
    with pytest.raises(Failure, match="the model has died"):
        await _streamed(_answers(events))


async def test_pieces_come_as_they_are_and_the_speed_last():
    events = (
        'data: {"choices": [{"delta": {"role": "assistant", "content": ""}}]}\n\n'
        'data: {"choices": [{"delta": {"content": "Hel"}}]}\n\n'
        'data: {"choices": [{"delta": {"content": "lo"}}]}\n\n'
        'data: {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}\n\n'
        "data: [DONE]\n\n"
    )
    *pieces, speed = await _streamed(_answers(events))
    assert pieces == ["Hel", "lo"]
    assert isinstance(speed, Speed)
    assert speed.completion_tokens == 2


def test_the_speed_counts_what_comes_after_the_first_token():
    speed = Speed(completion_tokens=11, first_token_seconds=0.5, last_token_seconds=1.0)
    assert speed.tokens_per_second == 20


async def test_a_gateway_that_is_not_there_is_unreachable(unused_tcp_port):
    with pytest.raises(Failure) as caught:
        async with gateway(f"http://127.0.0.1:{unused_tcp_port}", "model") as model:
            await model.chat("hello", temperature=0)
    assert caught.value.exit_code is ExitCode.UNREACHABLE


@pytest.mark.parametrize(("key", "sent"), [("secret", "Bearer secret"), (None, None)])
async def test_the_key_is_shown_where_there_is_one(key, sent):
    seen = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        return web.json_response({"Result": "hello"})

    application = web.Application()
    application.router.add_post("/chat", answer)
    server = TestServer(application)
    async with server, gateway(str(server.make_url("/")), "model", key) as model:
        await model.chat("hello", temperature=0)
    assert seen == [sent]


@pytest.mark.parametrize(
    ("given", "strengths"),
    [([], None), (["a"], {"a": 1.0}), (["a=0.5", "b=2"], {"a": 0.5, "b": 2.0})],
)
def test_adapters_are_named_with_their_strengths(given, strengths):
    assert adapter_strengths(given) == strengths


def test_a_strength_that_is_no_number_is_told():
    with pytest.raises(Failure, match="'much' is no number"):
        adapter_strengths(["a=much"])
