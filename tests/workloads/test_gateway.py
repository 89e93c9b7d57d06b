"""The gateway as a process, before the real model."""

import asyncio
import io
import json
import re
import signal

import aiohttp
import pytest

from tests.served_model import PRESET, ROWS, WAITING, free_ports
from tests.workloads.conftest import running_gateway
from tests.workloads.scripted_gateway import until

QUESTION = "What is the capital of France?"
ANSWER = "The capital of France is Paris."
GREEDY = {"do_sample": False}


@pytest.fixture
async def http(gateway):
    async with aiohttp.ClientSession(gateway.url) as session:
        yield session


async def post(http, path, body):
    async with http.post(path, json=body) as response:
        return response, await response.json()


async def completion(http, **settings):
    body = {"model": PRESET, "prompt": "The capital of France is", "temperature": 0} | settings
    return await post(http, "/v1/completions", body)


async def events(response):
    text = await response.text()
    lines = [line.removeprefix("data: ") for line in text.splitlines() if line]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]


async def metrics(http) -> dict[str, float]:
    async with http.get("/metrics") as response:
        lines = (await response.text()).splitlines()
    pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
    return {name: float(value) for name, value in pairs}


class TestKaitoChat:
    async def test_a_prompt_gets_the_models_answer_under_result(self, http):
        response, body = await post(http, "/chat", {"prompt": QUESTION, "generate_kwargs": GREEDY})
        assert response.status == 200
        assert body == {"Result": ANSWER}
        assert response.headers["X-Completion-Tokens"] == "8"
        assert re.fullmatch(
            r"first-token;dur=[\d.]+, generation;dur=[\d.]+", response.headers["Server-Timing"]
        )

    async def test_messages_are_a_conversation(self, http):
        messages = [{"role": "user", "content": QUESTION}]
        _, body = await post(http, "/chat", {"messages": messages, "generate_kwargs": GREEDY})
        assert body == {"Result": ANSWER}

    async def test_the_prompt_is_repeated_where_asked_for(self, http):
        request = {"prompt": QUESTION, "return_full_text": True, "generate_kwargs": GREEDY}
        assert (await post(http, "/chat", request))[1] == {"Result": QUESTION + ANSWER}

    async def test_lengths_and_stops_are_honoured(self, http):
        settings = GREEDY | {"max_new_tokens": 3}
        _, body = await post(http, "/chat", {"prompt": QUESTION, "generate_kwargs": settings})
        assert body == {"Result": "The capital of"}
        settings = GREEDY | {"stop_strings": " France"}
        _, body = await post(http, "/chat", {"prompt": QUESTION, "generate_kwargs": settings})
        assert body == {"Result": "The capital of"}

    @pytest.mark.parametrize(
        "body",
        [{}, {"prompt": ""}, {"prompt": "a", "messages": [{"role": "user", "content": "b"}]}],
    )
    async def test_neither_or_both_of_prompt_and_messages_is_a_bad_request(self, http, body):
        response, answer = await post(http, "/chat", body)
        assert response.status == 400
        assert answer == {"detail": "give either prompt or messages"}

    @pytest.mark.parametrize(
        ("body", "place"),
        [
            ({"prompt": 3}, ["prompt"]),
            (
                {"prompt": "x", "generate_kwargs": {"num_beams": 4}},
                ["generate_kwargs", "num_beams"],
            ),
            (
                {"prompt": "x", "generate_kwargs": {"temprature": 1}},
                ["generate_kwargs", "temprature"],
            ),
            ({"messages": [{"role": "user"}]}, ["messages", 0, "content"]),
        ],
    )
    async def test_what_cannot_be_honoured_is_refused_by_name(self, http, body, place):
        response, answer = await post(http, "/chat", body)
        assert response.status == 422
        assert [violation["loc"] for violation in answer["detail"]] == [["body", *place]]

    async def test_a_body_that_is_not_json_is_refused(self, http):
        async with http.post("/chat", data="prompt=x") as response:
            assert response.status == 422

    async def test_what_the_model_refuses_is_a_bad_request(self, http):
        response, answer = await post(http, "/chat", {"prompt": "word " * 3000})
        assert response.status == 400
        assert "context holds 2048" in answer["detail"]

    async def test_a_huge_body_is_refused_before_it_is_read(self, http):
        body = io.BytesIO(b'{"prompt": "' + b"x" * 2_000_000 + b'"}')
        async with http.post("/chat", data=body) as response:
            assert response.status == 413
            assert "exceeds" in (await response.json())["detail"]


class TestOpenAI:
    async def test_models_lists_the_model(self, http):
        async with http.get("/v1/models") as response:
            body = await response.json()
        assert [entry["id"] for entry in body["data"]] == [PRESET]

    async def test_a_chat_completion_has_text_reason_and_usage(self, http):
        messages = [
            {
                "role": "system",
                "content": "You are a helpful AI assistant named SmolLM, trained by Hugging Face",
            },
            {"role": "user", "content": [{"type": "text", "text": QUESTION}]},
        ]
        request = {"model": PRESET, "messages": messages, "temperature": 0}
        response, body = await post(http, "/v1/chat/completions", request)
        assert response.status == 200
        assert body["object"] == "chat.completion"
        choice = body["choices"][0]
        assert choice["message"] == {"role": "assistant", "content": ANSWER}
        assert choice["finish_reason"] == "stop"
        usage = {"prompt_tokens": 37, "completion_tokens": 8, "total_tokens": 45}
        assert body["usage"] == usage

    async def test_a_chat_completion_streams_and_ends_with_usage(self, http):
        request = {
            "model": PRESET,
            "messages": [{"role": "user", "content": QUESTION}],
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        async with http.post("/v1/chat/completions", json=request) as response:
            assert response.content_type == "text/event-stream"
            first, *middle, usage = await events(response)
        assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
        texts = [chunk["choices"][0]["delta"].get("content", "") for chunk in middle]
        assert "".join(texts) == ANSWER
        assert len(texts) == 8
        reasons = [chunk["choices"][0]["finish_reason"] for chunk in middle]
        assert reasons == [None] * 7 + ["stop"]
        assert usage["choices"] == []
        assert usage["usage"]["completion_tokens"] == 8

    async def test_a_completion_continues_the_text(self, http):
        _, body = await completion(http, max_tokens=2)
        assert body["object"] == "text_completion"
        assert body["choices"][0]["text"] == " Paris."
        assert body["choices"][0]["finish_reason"] == "length"

    async def test_a_completion_streams(self, http):
        request = {"model": PRESET, "prompt": "The capital of France is", "stream": True}
        request |= {"temperature": 0, "max_tokens": 2}
        async with http.post("/v1/completions", json=request) as response:
            chunks = await events(response)
        assert [chunk["choices"][0]["text"] for chunk in chunks] == [" Paris", "."]

    async def test_stops_and_seeds_are_honoured(self, http):
        settings = {"prompt": "Once upon a time", "temperature": 1, "seed": 5, "max_tokens": 16}
        texts = [(await completion(http, **settings))[1]["choices"][0]["text"] for _ in range(2)]
        assert texts[0] == texts[1]
        stop = texts[0].split()[2]
        _, stopped = await completion(http, **settings, stop=[stop])
        assert stopped["choices"][0]["text"] == texts[0].split(stop)[0]
        assert stopped["choices"][0]["finish_reason"] == "stop"

    async def test_another_model_is_not_found(self, http):
        response, body = await completion(http, model="gpt-4")
        assert response.status == 404
        assert body["error"]["code"] == "model_not_found"
        assert body["error"]["param"] == "model"

    @pytest.mark.parametrize(
        ("settings", "parameter"),
        [
            ({"temperature": 3}, "temperature"),
            ({"max_tokens": 0}, "max_tokens"),
            ({"top_p": 0}, "top_p"),
            ({"n": 9}, "n"),
            ({"tools": []}, "tools"),
            ({"prompt": ""}, "prompt"),
            ({"logprobs": 6}, "logprobs"),
        ],
    )
    async def test_bad_values_are_refused_in_openais_shape(self, http, settings, parameter):
        response, body = await completion(http, **settings)
        assert response.status == 400
        assert body["error"]["type"] == "invalid_request_error"
        assert body["error"]["param"] == parameter

    async def test_what_the_model_refuses_is_an_invalid_request(self, http):
        response, body = await completion(http, max_tokens=4000, stream=True)
        assert response.status == 400
        assert "context of 2048 tokens" in body["error"]["message"]

    async def test_an_unknown_route_is_not_found_in_openais_shape(self, http):
        async with http.get("/v1/engines") as response:
            assert response.status == 404
            assert "error" in await response.json()


async def until_held(served, count: int) -> None:
    """Until the model has so many requests running or waiting, by its own count."""
    async with asyncio.timeout(20), aiohttp.ClientSession() as client:
        while True:
            async with client.get(f"http://{served.metrics}/metrics") as response:
                lines = (await response.text()).splitlines()
            held = [
                line for line in lines if re.match(r"chat_lm_(running|waiting)_requests{", line)
            ]
            if sum(float(line.split()[-1]) for line in held) == count:
                return
            await asyncio.sleep(0.02)


async def draining(http):
    """What the probe is told once the signal has come."""
    async with asyncio.timeout(10):
        while True:
            async with http.get("/health") as response:
                if response.status == 503:
                    return await response.json()


class TestOperation:
    async def test_health_follows_the_model(self, http):
        async with http.get("/health") as response:
            assert response.status == 200
            assert await response.json() == {"status": "Healthy"}

    async def test_nothing_behind_it_is_unhealthy_and_unavailable(self, tmp_path):
        nobody = f"127.0.0.1:{free_ports(1)[0]}"
        with running_gateway(nobody, tmp_path / "log") as alone:
            async with aiohttp.ClientSession(alone.url) as http:
                async with http.get("/health") as response:
                    assert response.status == 503
                response, body = await post(http, "/chat", {"prompt": QUESTION})
                assert response.status == 503
                assert response.headers["Retry-After"] == "1"
                response, body = await completion(http)
                assert (response.status, body["error"]["code"]) == (503, "model_unavailable")

    async def test_a_dead_model_is_unavailable_and_its_inner_workings_are_not_told(
        self, expendable_model, tmp_path
    ):
        expendable_model.stub.kill()
        with running_gateway(expendable_model.grpc, tmp_path / "log") as before_it:
            async with aiohttp.ClientSession(before_it.url) as http:
                response, body = await completion(http)
            assert (response.status, body["error"]["code"]) == (503, "model_unavailable")
            assert response.headers["Retry-After"] == "1"
            assert "Stub" not in body["error"]["message"]
            assert "not healthy" in (tmp_path / "log").read_text()

    async def test_tokens_and_requests_are_counted(self, http):
        before = await metrics(http)
        await completion(http, max_tokens=2)
        await completion(http, max_tokens=0)
        after = await metrics(http)

        def grown(name):
            return after[name] - before.get(name, 0)

        assert grown('moorage_gateway_tokens_total{kind="completion"}') == 2
        assert grown('moorage_gateway_tokens_total{kind="prompt"}') == 5
        assert grown('moorage_gateway_requests_total{path="/v1/completions",status="200"}') == 1
        assert grown('moorage_gateway_requests_total{path="/v1/completions",status="400"}') == 1
        assert grown("moorage_gateway_time_to_first_token_seconds_count") == 1
        assert after["moorage_gateway_requests_in_flight"] == 1  # the one that asks

    async def test_a_full_queue_is_too_many_requests_and_passes(self, http, served_model):
        endless = {"prompt": "Once upon a time", "max_tokens": 1500, "temperature": 1}
        tasks = []
        for _ in range(ROWS + WAITING):
            tasks.append(asyncio.create_task(completion(http, **endless)))
            await until_held(served_model, len(tasks))
        refused, body = await completion(http, max_tokens=2)
        assert refused.status == 429
        assert refused.headers["Retry-After"] == "1"
        assert body["error"]["code"] == "rate_limit_exceeded"
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await until_held(served_model, 0)
        assert (await completion(http, max_tokens=2))[0].status == 200

    @pytest.mark.parametrize("stream", [False, True])
    async def test_a_client_that_leaves_frees_the_model(self, http, stream):
        before = await metrics(http)
        endless = {
            "prompt": "Once upon a time",
            "max_tokens": 1500,
            "stop": "\x00",
            "stream": stream,
        }
        tasks = [asyncio.create_task(completion(http, **endless)) for _ in range(ROWS)]
        await asyncio.sleep(0.5)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with asyncio.timeout(5):
            response, _ = await completion(http, max_tokens=2)
        assert response.status == 200
        name = 'moorage_gateway_tokens_total{kind="completion"}'
        assert (await metrics(http))[name] - before.get(name, 0) < 400

    async def test_a_key_from_a_file_is_wanted_and_what_was_asked_is_logged(
        self, served_model, tmp_path
    ):
        (tmp_path / "key").write_text("s3cret\n")
        option = f"--api-key-file={tmp_path / 'key'}"
        with running_gateway(served_model.grpc, tmp_path / "log", option) as locked:
            async with aiohttp.ClientSession(locked.url) as http:
                assert (await completion(http))[0].status == 401
            headers = {"Authorization": "Bearer s3cret", "X-Request-Id": "abc-3"}
            async with aiohttp.ClientSession(locked.url, headers=headers) as http:
                assert (await completion(http, max_tokens=2))[0].status == 200
            line = re.compile(r"\[abc-3\] .* POST /v1/completions 200 [\d.]+s")
            await until(lambda: line.search((tmp_path / "log").read_text()) is not None)
        assert "s3cret" not in (tmp_path / "log").read_text()

    async def test_termination_lets_a_stream_finish_and_exits_cleanly(self, served_model, tmp_path):
        with running_gateway(served_model.grpc, tmp_path / "log") as leaving:
            async with aiohttp.ClientSession(leaving.url) as http:
                request = {"model": PRESET, "prompt": "Once upon", "stream": True}
                request |= {"max_tokens": 40, "temperature": 0}
                async with http.post("/v1/completions", json=request) as response:
                    leaving.process.send_signal(signal.SIGTERM)
                    assert (await draining(http))["detail"].startswith("draining")
                    chunks = await events(response)
            assert len(chunks) >= 30
            assert chunks[-1]["choices"][0]["finish_reason"] is not None
            assert leaving.process.wait(10) == 0

    async def test_termination_cuts_off_what_outlasts_the_drain_and_frees_the_model(
        self, served_model, tmp_path
    ):
        option = "--drain-timeout-seconds=0.2"
        with running_gateway(served_model.grpc, tmp_path / "log", option) as leaving:
            async with aiohttp.ClientSession(leaving.url) as http:
                request = {"model": PRESET, "prompt": "Once upon", "stream": True}
                request |= {"max_tokens": 1500, "temperature": 1, "stop": "\x00"}
                async with http.post("/v1/completions", json=request) as response:
                    leaving.process.send_signal(signal.SIGTERM)
                    with pytest.raises(aiohttp.ClientPayloadError):
                        await response.text()
            assert leaving.process.wait(10) == 0
        await until_held(served_model, 0)
