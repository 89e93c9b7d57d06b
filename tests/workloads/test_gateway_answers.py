"""What becomes of a request's generations, before a scripted model."""

import asyncio
import json

import aiohttp
import pytest

from tests.workloads.scripted_gateway import (
    BASE,
    ScriptedModel,
    endless,
    said,
    serving,
    silent,
    until,
)
from workloads.gateway.generation import (
    AdapterStrength,
    Busy,
    GenerationFailed,
    InvalidGeneration,
    NotFound,
    TimedOut,
    Unavailable,
)

PROMPT = {"model": BASE, "prompt": "x"}
ROUTES = {
    "/v1/completions": PROMPT,
    "/v1/chat/completions": {"model": BASE, "messages": [{"role": "user", "content": "x"}]},
    "/chat": {"prompt": "x"},
}


async def post(served, path, body):
    async with aiohttp.ClientSession(served.url) as http, http.post(path, json=body) as response:
        return response.status, await response.json()


async def events(served, body):
    async with (
        aiohttp.ClientSession(served.url) as http,
        http.post("/v1/completions", json=body | {"stream": True}) as response,
    ):
        lines = (await response.text()).splitlines()
    return [line.removeprefix("data: ") for line in lines if line]


async def test_kaitos_route_applies_all_declared_adapters_at_their_strengths():
    model = ScriptedModel()
    async with serving(model, adapter_strengths={"pirate": 0.5, "poet": 1.0}) as served:
        await post(served, "/chat", ROUTES["/chat"])
        await post(served, "/v1/completions", PROMPT)
    declared = (
        AdapterStrength(name="pirate", strength=0.5),
        AdapterStrength(name="poet", strength=1.0),
    )
    assert [one.adapters for one in model.asked] == [declared, ()]


class TestFailures:
    @pytest.mark.parametrize("path", ROUTES)
    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (InvalidGeneration("no such thing"), 400),
            (NotFound("no adapter"), 404),
            (Busy("queue full"), 429),
            (Unavailable("not there"), 503),
            (TimedOut("too long"), 504),
            (GenerationFailed("File /secret/model.py, line 7"), 500),
        ],
    )
    async def test_each_has_its_status_on_every_route(self, path, error, status):
        async def failing(_):
            raise error
            yield

        async with serving(ScriptedModel(failing)) as served:
            answered, body = await post(served, path, ROUTES[path])
            streamed = await post(served, path, ROUTES[path] | {"stream": True})
        assert answered == streamed[0] == status
        assert ("detail" in body) == (path == "/chat")
        told = json.dumps(body)
        assert "secret" not in told
        assert (str(error) in told) == (status != 500)

    async def test_one_of_a_stream_that_has_begun_is_its_last_event(self):
        async def breaking(_):
            yield said("Hello", 1)
            raise GenerationFailed("/secret/path")

        async with serving(ScriptedModel(breaking)) as served:
            *_, last = await events(served, PROMPT)
        assert json.loads(last)["error"]["code"] == "generation_failed"
        assert "secret" not in last

    @pytest.mark.parametrize("stream", [False, True])
    async def test_of_one_of_n_answers_fails_them_all_and_ends_the_others(self, stream):
        async def unlike(generation):
            if generation.seed == 1:
                raise Busy("queue full")
            await asyncio.sleep(60)
            yield said("never", 1, "stop")

        model = ScriptedModel(unlike)
        async with serving(model) as served:
            body = PROMPT | {"n": 3, "seed": 0, "stream": stream}
            status, _ = await post(served, "/v1/completions", body)
            await model.until_running(0)
        assert status == 429


class TestSeveralAnswers:
    async def test_each_has_its_own_seed_and_the_last_one_wraps(self):
        model = ScriptedModel()
        async with serving(model) as served:
            await post(served, "/v1/completions", PROMPT | {"n": 3, "seed": 2**63 - 2})
            await post(served, "/v1/completions", PROMPT | {"n": 2})
        seeds = [generation.seed for generation in model.asked]
        assert seeds == [2**63 - 2, 2**63 - 1, 0, None, None]

    async def test_usage_counts_the_prompt_once_and_all_answers(self):
        async with serving(ScriptedModel()) as served:
            _, whole = await post(served, "/v1/completions", PROMPT | {"n": 3})
            asked = PROMPT | {"n": 3, "stream_options": {"include_usage": True}}
            *_, last, done = await events(served, asked)
        usage = {"prompt_tokens": 7, "completion_tokens": 6, "total_tokens": 13}
        assert whole["usage"] == json.loads(last)["usage"] == usage
        assert done == "[DONE]"


class TestAClientThatLeaves:
    @pytest.mark.parametrize("script", [silent, endless])
    @pytest.mark.parametrize("stream", [False, True])
    async def test_ends_all_its_generations(self, script, stream):
        model = ScriptedModel(script)
        async with serving(model) as served:
            body = PROMPT | {"n": 3, "stream": stream}
            asking = asyncio.create_task(post(served, "/v1/completions", body))
            await model.until_running(3)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            await model.until_running(0)

    async def test_in_the_middle_of_its_body_is_no_error_of_ours(self, caplog):
        async with serving(ScriptedModel()) as served:
            _, writer = await asyncio.open_connection("127.0.0.1", served.port)
            writer.write(b"POST /chat HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
            await writer.drain()
            await until(lambda: served.traffic.count == 1)
            writer.close()
            await asyncio.wait_for(served.traffic.none_left(), 10)
        assert "Exception" not in caplog.text


class TestValues:
    async def test_all_settings_reach_the_model(self):
        model = ScriptedModel()
        settings = {"top_k": 5, "min_p": 0.1, "repetition_penalty": 1.5, "seed": 3}
        async with serving(model) as served:
            for path in ("/v1/completions", "/v1/chat/completions"):
                await post(served, path, ROUTES[path] | settings)
            await post(served, "/chat", {"prompt": "x", "generate_kwargs": settings})
        for asked in model.asked:
            assert {name: getattr(asked, name) for name in settings} == settings
        assert len(model.asked) == 3

    @pytest.mark.parametrize(
        ("body", "parameter"),
        [
            ('{"model": "base", "prompt": "\\ud800"}', "body"),
            ('{"model": "base", "prompt": "x", "temperature": NaN}', "temperature"),
            ('{"model": "base", "prompt": "x", "seed": 9223372036854775808}', "seed"),
            ('{"model": "base", "prompt": "x", "max_tokens": 2147483648}', "max_tokens"),
            ('{"model": "base", "prompt": "x", "top_k": 2147483648}', "top_k"),
            ('{"model": "base", "prompt": "x", "min_p": 1.1}', "min_p"),
            ('{"model": "base", "prompt": "x", "repetition_penalty": 0}', "repetition_penalty"),
            ('{"model": "base", "prompt": "x", "stop": [""]}', "stop.0"),
            ('{"model": "base", "prompt": "x", "adapters": {"a": 3}}', "adapters.a"),
            ('{"model": "base", "prompt": "x", "stream_options": {}}', "stream_options"),
            ("[" * 100_000, "body"),
            ("", "body"),
            ('{"model": "base", "prompt": "x", "n": ' + "9" * 5000 + "}", "body"),
        ],
    )
    async def test_what_no_tensor_holds_is_refused_before_the_model(self, body, parameter):
        model = ScriptedModel()
        async with (
            serving(model) as served,
            aiohttp.ClientSession(served.url) as http,
            http.post("/v1/completions", data=body) as response,
        ):
            assert response.status == 400
            assert (await response.json())["error"]["param"] == parameter
        assert model.asked == []

    async def test_more_messages_than_anybody_means_are_refused(self):
        body = ROUTES["/v1/chat/completions"]
        async with serving(ScriptedModel()) as served:
            status, answer = await post(
                served, "/v1/chat/completions", body | {"messages": body["messages"] * 1025}
            )
        assert (status, answer["error"]["param"]) == (400, "messages")

    async def test_a_refusal_stays_short_however_much_is_wrong(self):
        body = PROMPT | {f"{index}" * 500: 0 for index in range(300)}
        async with serving(ScriptedModel()) as served:
            for path in ("/v1/completions", "/chat"):
                wrong = body if path != "/chat" else {"prompt": "x", "generate_kwargs": body}
                _, answer = await post(served, path, wrong)
                assert len(json.dumps(answer)) < 4000
