"""OpenAI's own client, unmodified, before the real model and before a scripted one."""

import httpx2
import openai
import pytest
from openai import AsyncOpenAI

from tests.served_model import PRESET
from tests.workloads.scripted_gateway import BASE, ScriptedModel, said, serving
from workloads.gateway.generation import AdapterStrength, Busy, Generation, TokenLogprob

QUESTION = [{"role": "user", "content": "What is the capital of France?"}]
ANSWER = "The capital of France is Paris."
BEGINNING = "The capital of France is"


def client_of(url: str, **settings) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0, **settings)


@pytest.fixture
async def client(gateway):
    async with client_of(gateway.url) as client:
        yield client


class TestBeforeTheRealModel:
    async def test_models_are_listed_and_retrieved(self, client):
        assert [model.id async for model in client.models.list()] == [PRESET]
        assert (await client.models.retrieve(PRESET)).id == PRESET
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("gpt-4")

    async def test_a_chat_is_answered(self, client):
        answer = await client.chat.completions.create(
            model=PRESET, messages=QUESTION, temperature=0
        )
        assert answer.choices[0].message.content == ANSWER
        assert answer.choices[0].finish_reason == "stop"
        assert answer.usage.completion_tokens == 8

    async def test_a_chat_streams_with_usage(self, client):
        stream = await client.chat.completions.create(
            model=PRESET,
            messages=QUESTION,
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        )
        *chunks, last = [chunk async for chunk in stream]
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ANSWER
        assert {chunk.usage for chunk in chunks} == {None}
        assert (last.choices, last.usage.completion_tokens) == ([], 8)

    async def test_a_text_is_continued_whole_and_streamed(self, client):
        asked = {"model": PRESET, "prompt": BEGINNING, "max_tokens": 2, "temperature": 0}
        whole = await client.completions.create(**asked)
        assert whole.choices[0].text == " Paris."
        stream = await client.completions.create(**asked, stream=True)
        assert [chunk.choices[0].text async for chunk in stream] == [" Paris", "."]

    async def test_n_answers_differ_by_their_seeds_and_repeat_with_them(self, client):
        asked = {"model": PRESET, "prompt": "Once upon a time", "temperature": 1}
        asked |= {"max_tokens": 12, "seed": 5}
        one, again = [await client.completions.create(**asked, n=2) for _ in range(2)]
        texts = [choice.text for choice in one.choices]
        assert [choice.text for choice in again.choices] == texts
        assert len(set(texts)) == 2
        assert one.usage.completion_tokens == 24
        alone = await client.completions.create(**asked | {"seed": 6})
        assert alone.choices[0].text == texts[1]
        assert one.usage.prompt_tokens == alone.usage.prompt_tokens

    async def test_n_answers_stream_side_by_side(self, client):
        asked = {"model": PRESET, "messages": QUESTION, "temperature": 0, "n": 3}
        texts = ["", "", ""]
        roles = []
        stream = await client.chat.completions.create(**asked, stream=True)
        async for chunk in stream:
            (choice,) = chunk.choices
            texts[choice.index] += choice.delta.content or ""
            roles += [choice.index] if choice.delta.role else []
        assert texts == [ANSWER] * 3
        assert sorted(roles) == [0, 1, 2]

    async def test_what_is_refused_comes_as_the_clients_own_errors(self, client):
        asked = {"model": PRESET, "messages": QUESTION}
        with pytest.raises(openai.BadRequestError) as bad:
            await client.chat.completions.create(**asked, temperature=3)
        assert bad.value.param == "temperature"
        with pytest.raises(openai.NotFoundError) as unknown:
            await client.chat.completions.create(**asked | {"model": "gpt-4"})
        assert unknown.value.code == "model_not_found"

    @pytest.mark.parametrize("kind", ["json_object", "json_schema"])
    async def test_an_answer_in_json_is_not_promised(self, client, kind):
        with pytest.raises(openai.BadRequestError, match="cannot be held to json") as refused:
            await client.chat.completions.create(
                model=PRESET,
                messages=QUESTION,
                response_format={"type": kind, "json_schema": {"name": "x", "schema": {}}},
            )
        assert refused.value.param == "response_format.type"

    async def test_an_answer_in_text_may_be_asked_for(self, client):
        answer = await client.chat.completions.create(
            model=PRESET,
            messages=QUESTION,
            max_tokens=1,
            temperature=0,
            response_format={"type": "text"},
        )
        assert answer.choices[0].message.content == "The"


def token(text: str, logprob: float, *top: TokenLogprob) -> TokenLogprob:
    return TokenLogprob(token=text, logprob=logprob, bytes=tuple(text.encode()), top=top)


async def with_logprobs(generation: Generation):
    assert generation.logprobs is not None
    alternatives = [token("Hé", -0.1), token("Ho", -2.5)][: generation.logprobs]
    yield said("Hé", 1, None, token("Hé", -0.1, *alternatives))
    yield said("!", 2, "stop", token("!", -0.2))


class TestLogprobs:
    async def test_a_chat_tells_each_token_with_its_alternatives(self):
        async with serving(ScriptedModel(with_logprobs)) as served, client_of(served.url) as client:
            asked = {"model": BASE, "messages": QUESTION, "logprobs": True, "top_logprobs": 2}
            whole = await client.chat.completions.create(**asked)
            stream = await client.chat.completions.create(**asked, stream=True)
            choices = [chunk.choices[0] async for chunk in stream]
        told = whole.choices[0].logprobs.content
        assert [(one.token, one.logprob) for one in told] == [("Hé", -0.1), ("!", -0.2)]
        assert [one.token for one in told[0].top_logprobs] == ["Hé", "Ho"]
        assert told[0].bytes == list("Hé".encode())
        streamed = [one for choice in choices if choice.logprobs for one in choice.logprobs.content]
        assert streamed == told

    async def test_a_completion_tells_tokens_and_where_they_begin(self):
        async with serving(ScriptedModel(with_logprobs)) as served, client_of(served.url) as client:
            asked = {"model": BASE, "prompt": "x", "logprobs": 1}
            told = (await client.completions.create(**asked)).choices[0].logprobs
            stream = await client.completions.create(**asked, stream=True)
            offsets = [chunk.choices[0].logprobs.text_offset async for chunk in stream]
        assert told.tokens == ["Hé", "!"]
        assert told.token_logprobs == [-0.1, -0.2]
        assert told.top_logprobs == [{"Hé": -0.1}, {"!": -0.2}]
        assert told.text_offset == [0, 2]
        assert offsets == [[0], [2]]

    async def test_an_answer_that_was_not_asked_for_them_has_none(self):
        model = ScriptedModel()
        async with serving(model) as served, client_of(served.url) as client:
            answer = await client.chat.completions.create(model=BASE, messages=QUESTION)
        assert answer.choices[0].logprobs is None
        assert model.asked[0].logprobs is None

    async def test_alternatives_without_logprobs_are_refused(self):
        async with serving(ScriptedModel()) as served, client_of(served.url) as client:
            with pytest.raises(openai.BadRequestError) as bad:
                await client.chat.completions.create(model=BASE, messages=QUESTION, top_logprobs=2)
        assert bad.value.param == "top_logprobs"


class TestAdapters:
    async def test_a_loaded_adapter_is_a_model_whose_parent_is_the_base(self):
        model = ScriptedModel(directories={"pirate": "/adapters/pirate"})
        async with serving(model) as served, client_of(served.url) as client:
            listed = {one.id: one.parent async for one in client.models.list()}
        assert listed == {BASE: None, "pirate": BASE}

    async def test_an_adapters_name_asks_for_it_at_its_strength(self):
        model = ScriptedModel(directories={"pirate": "/p", "poet": "/q"})
        async with (
            serving(model, adapter_strengths={"poet": 0.5}) as served,
            client_of(served.url) as client,
        ):
            for name in ("pirate", "poet"):
                answer = await client.chat.completions.create(model=name, messages=QUESTION)
                assert answer.model == name
        assert [one.adapters for one in model.asked] == [
            (AdapterStrength(name="pirate", strength=1.0),),
            (AdapterStrength(name="poet", strength=0.5),),
        ]

    async def test_several_adapters_are_asked_for_with_their_strengths(self):
        model = ScriptedModel(directories={"pirate": "/p", "poet": "/q"})
        async with serving(model) as served, client_of(served.url) as client:
            await client.completions.create(
                model="pirate", prompt="x", extra_body={"adapters": {"poet": 0.25, "pirate": 2}}
            )
            with pytest.raises(openai.BadRequestError):
                await client.completions.create(
                    model=BASE, prompt="x", extra_body={"adapters": {"poet": 2.5}}
                )
        assert set(model.asked[0].adapters) == {
            AdapterStrength(name="poet", strength=0.25),
            AdapterStrength(name="pirate", strength=2),
        }

    async def test_an_adapter_cannot_hide_the_base(self):
        model = ScriptedModel()
        async with serving(model) as served, client_of(served.url) as client:
            body = {"lora_name": BASE, "lora_path": "/x"}
            with pytest.raises(openai.BadRequestError, match="choose another"):
                await client.post("/load_lora_adapter", body=body, cast_to=httpx2.Response)
        assert model.directories == {}

    async def test_adapters_are_loaded_and_unloaded(self):
        model = ScriptedModel()
        async with serving(model) as served, client_of(served.url) as client:
            body = {"lora_name": "pirate", "lora_path": "/adapters/pirate"}
            await client.post("/load_lora_adapter", body=body, cast_to=httpx2.Response)
            assert model.directories == {"pirate": "/adapters/pirate"}
            name = {"lora_name": "pirate"}
            await client.post("/unload_lora_adapter", body=name, cast_to=httpx2.Response)
            assert model.directories == {}
            with pytest.raises(openai.NotFoundError, match="no adapter pirate"):
                await client.post("/unload_lora_adapter", body=name, cast_to=httpx2.Response)


async def test_a_full_model_is_the_clients_rate_limit_error_and_it_comes_again():
    answers = iter([Busy("queue full: 16 requests wait")])

    async def full_once(_):
        for error in answers:
            raise error
        yield said("now", 1, "stop")

    async with (
        serving(ScriptedModel(full_once)) as served,
        client_of(served.url).with_options(max_retries=1) as client,
    ):
        answer = await client.chat.completions.create(model=BASE, messages=QUESTION)
    assert answer.choices[0].message.content == "now"
