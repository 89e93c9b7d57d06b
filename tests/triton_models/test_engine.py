"""Continuous batching, on a tiny real model."""

import threading
import time
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from triton_models.chat_lm.generation.adapters import Adapters
from triton_models.chat_lm.generation.engine import Engine, Limits, Load, chunk_length
from triton_models.chat_lm.generation.prefix_cache import PrefixCache
from triton_models.chat_lm.generation.request import (
    Chunk,
    EngineClosed,
    Expired,
    FinishReason,
    GenerationError,
    GenerationRequest,
    InvalidRequest,
    QueueFull,
    Sampling,
)

GREEDY = Sampling(temperature=0)
NO_END = ()
REPETITIVE = [84]  # the tiny model's answer to it soon repeats itself
PROMPTS = ([10, 200, 31, 7], [77], [5, 6, 7, 8, 9, 10], [150, 20], [33, 34, 35])


@dataclass
class Heard:
    """An outlet that keeps what it gets."""

    gone: bool = False
    chunks: list[Chunk] = field(default_factory=list)
    error: GenerationError | None = None
    ended: threading.Event = field(default_factory=threading.Event)

    def cancelled(self) -> bool:
        return self.gone

    def emit(self, chunk: Chunk) -> None:
        assert not self.ended.is_set(), "a chunk after the last one"
        self.chunks.append(chunk)
        if chunk.finish_reason is not None:
            self.ended.set()

    def fail(self, error: GenerationError) -> None:
        self.error = error
        self.ended.set()

    @property
    def text(self) -> str:
        return "".join(chunk.text for chunk in self.chunks)


def make_engine(
    decoder,
    language,
    *,
    end_tokens=NO_END,
    waiting=8,
    draft_tokens=0,
    prefix_bytes=0,
    on_load=lambda _: None,
):
    return Engine(
        decoder,
        language,
        end_tokens=end_tokens,
        limits=Limits(
            waiting=waiting,
            single=2,
            default_max_tokens=6,
            chunk_tokens=32,
            draft_tokens=draft_tokens,
        ),
        adapters=Adapters(decoder.shape, most_bytes=0),
        prefixes=PrefixCache(block_tokens=8, most_bytes=prefix_bytes),
        on_load=on_load,
    )


@pytest.fixture
def engine(decoder, language) -> Engine:
    return make_engine(decoder, language)


def ask(engine, prompt, *, max_tokens=8, sampling=GREEDY, **more) -> Heard:
    heard = Heard()
    request = GenerationRequest(prompt=prompt, sampling=sampling, max_tokens=max_tokens, **more)
    engine.submit(request, heard)
    return heard


def finish(engine, *outlets, steps=200) -> None:
    for _ in range(steps):
        if all(heard.ended.is_set() for heard in outlets):
            return
        engine.step()
    pytest.fail("the engine did not finish")


def expected_text(reference, language, prompt, count) -> str:
    """What the reference says, through the tokenizer alone; a broken last character left out."""
    tokens = reference.greedy(prompt, count)
    return language._tokenizer.decode(tokens, skip_special_tokens=True)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_greedy_text_is_the_references(engine, reference, language, prompt):
    heard = ask(engine, prompt)
    finish(engine, heard)
    assert heard.chunks[-1].completion_tokens == 8
    assert heard.chunks[-1].prompt_tokens == len(prompt)
    expected = expected_text(reference, language, prompt, 8)
    assert heard.text.rstrip("\ufffd") == expected.rstrip("\ufffd")
    assert heard.text


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (4, 2, 0, 3, 1)])
def test_text_does_not_depend_on_who_else_is_served(decoder, language, order):
    alone = {}
    for place in order:
        engine = make_engine(decoder, language)
        heard = ask(engine, PROMPTS[place], max_tokens=5 + place * 3)
        finish(engine, heard)
        alone[place] = heard.text
    engine = make_engine(decoder, language)
    together = {place: ask(engine, PROMPTS[place], max_tokens=5 + place * 3) for place in order}
    finish(engine, *together.values())
    assert {place: heard.text for place, heard in together.items()} == alone
    assert len(set(alone.values())) == len(alone)


def test_a_request_joins_while_others_run(engine):
    first = ask(engine, PROMPTS[0], max_tokens=20)
    for _ in range(5):
        engine.step()
    second = ask(engine, PROMPTS[1], max_tokens=3)
    finish(engine, second)
    assert not first.ended.is_set()
    finish(engine, first)


def test_a_cancelled_request_leaves_the_others_their_text(decoder, language):
    engine = make_engine(decoder, language)
    undisturbed = ask(engine, PROMPTS[2], max_tokens=20)
    finish(engine, undisturbed)
    cancelled, kept = ask(engine, PROMPTS[0], max_tokens=40), ask(engine, PROMPTS[2], max_tokens=20)
    for _ in range(5):
        engine.step()
    cancelled.gone = True
    finish(engine, kept)
    assert kept.text == undisturbed.text
    assert not cancelled.ended.is_set()


def test_a_cancelled_request_frees_its_slot(engine):
    running = [ask(engine, prompt, max_tokens=50) for prompt in PROMPTS[:3]]
    waiting = ask(engine, PROMPTS[3], max_tokens=2)
    for _ in range(10):
        engine.step()
    assert not waiting.chunks
    running[1].gone = True
    finish(engine, waiting, steps=4)


def test_a_single_token_is_served_while_all_slots_are_taken(engine):
    running = [ask(engine, prompt, max_tokens=40) for prompt in PROMPTS[:3]]
    for _ in range(4):
        engine.step()
    waiting, canary = ask(engine, PROMPTS[3], max_tokens=2), ask(engine, PROMPTS[4], max_tokens=1)
    engine.step()
    assert canary.chunks[-1].completion_tokens == 1
    assert not waiting.chunks
    finish(engine, waiting, *running)


def test_an_end_token_ends_the_text_and_is_not_in_it(decoder, language, reference):
    tokens = reference.greedy(PROMPTS[0], 6)
    end = next(token for place, token in enumerate(tokens) if place and token not in tokens[:place])
    engine = make_engine(decoder, language, end_tokens=(end,))
    heard = ask(engine, PROMPTS[0], max_tokens=20)
    finish(engine, heard)
    assert heard.chunks[-1].finish_reason is FinishReason.STOP
    assert heard.chunks[-1].completion_tokens == tokens.index(end) + 1


def test_a_stop_string_ends_the_text_and_is_not_in_it(engine):
    whole = ask(engine, PROMPTS[2], max_tokens=16)
    finish(engine, whole)
    stop = whole.text[3:5]
    heard = ask(engine, PROMPTS[2], max_tokens=16, stops=("never seen", stop))
    finish(engine, heard)
    assert heard.text == whole.text[: whole.text.index(stop)]
    assert heard.chunks[-1].finish_reason is FinishReason.STOP
    assert heard.chunks[-1].completion_tokens < 16


def test_the_default_length_applies_where_none_is_asked_for(engine):
    heard = ask(engine, PROMPTS[0], max_tokens=None)
    finish(engine, heard)
    assert heard.chunks[-1].completion_tokens == 6
    assert heard.chunks[-1].finish_reason is FinishReason.LENGTH


def test_the_default_length_never_exceeds_the_context(engine):
    heard = ask(engine, list(range(10, 72)), max_tokens=None)
    finish(engine, heard)
    assert heard.chunks[-1].completion_tokens == 2


def test_the_context_may_be_filled_to_its_last_token(engine, reference, language):
    prompt = list(range(10, 70))
    heard = ask(engine, prompt, max_tokens=4)
    finish(engine, heard)
    assert heard.chunks[-1].completion_tokens == 4
    assert heard.text.rstrip("\ufffd") == expected_text(reference, language, prompt, 4).rstrip(
        "\ufffd"
    )


@pytest.mark.parametrize(("length", "max_tokens"), [(64, None), (60, 5)])
def test_what_cannot_fit_the_context_is_refused(engine, length, max_tokens):
    with pytest.raises(InvalidRequest, match="64"):
        ask(engine, [7] * length, max_tokens=max_tokens)


def test_a_full_queue_refuses_and_recovers(decoder, language):
    engine = make_engine(decoder, language, waiting=2)
    accepted = [ask(engine, prompt) for prompt in PROMPTS]  # three for the slots, two to wait
    with pytest.raises(QueueFull, match=r"^queue full"):
        ask(engine, PROMPTS[2])
    finish(engine, *accepted)
    finish(engine, ask(engine, PROMPTS[2]))


def test_sampling_repeats_with_its_seed_and_differs_without(engine):
    def sample(seed):
        sampling = Sampling(temperature=1.5, top_p=0.95, top_k=100, seed=seed)
        heard = ask(engine, PROMPTS[0], max_tokens=24, sampling=sampling)
        finish(engine, heard)
        return heard.text

    assert sample(1) == sample(1)
    assert len({sample(seed) for seed in range(4)}) == 4


def test_load_is_reported(decoder, language):
    loads: list[Load] = []
    engine = make_engine(decoder, language, on_load=loads.append)
    asked = [ask(engine, prompt, max_tokens=30) for prompt in PROMPTS]
    for _ in range(5):
        engine.step()
    assert (loads[0].waiting, loads[0].running) == (5, 0)
    assert (loads[-1].waiting, loads[-1].running) == (2, 3)
    finish(engine, *asked)
    engine.step()
    assert loads[-1] == Load(
        waiting=0,
        running=0,
        cached_tokens=0,
        prompt_tokens_total=sum(len(prompt) for prompt in PROMPTS),
        reused_tokens_total=0,
        completion_tokens_total=5 * 30,
    )


def test_closing_fails_what_runs_and_waits(decoder, language):
    engine = make_engine(decoder, language)
    asked = [ask(engine, prompt, max_tokens=50) for prompt in PROMPTS]
    engine.close()
    engine.start()  # it notices before its first step
    for heard in asked:
        assert heard.ended.wait(5)
        assert isinstance(heard.error, EngineClosed)
    with pytest.raises(EngineClosed):
        ask(engine, PROMPTS[0])


def test_requests_from_several_threads_are_all_served(engine):
    engine.start()
    heard: list[Heard] = []

    def client(place: int) -> None:
        heard.append(ask(engine, PROMPTS[place], max_tokens=5))

    threads = [threading.Thread(target=client, args=(place,)) for place in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(one.ended.wait(10) for one in heard)
    assert all(one.error is None for one in heard)
    engine.close()


def test_a_failed_engine_answers_with_its_failure_instead_of_silence(
    decoder, language, caplog, monkeypatch
):
    def fail(tokens, lengths, adapters):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(decoder, "decode", fail)
    engine = make_engine(decoder, language)
    engine.start()
    heard = ask(engine, PROMPTS[0])
    assert heard.ended.wait(10)
    assert isinstance(heard.error, EngineClosed)
    with pytest.raises(EngineClosed, match="failed"):
        ask(engine, PROMPTS[0])
    assert "out of memory" in caplog.text
    engine.close()


def test_a_long_prompt_lets_running_rows_go_on(decoder, language):
    loads: list[Load] = []
    engine = make_engine(decoder, language, on_load=loads.append)
    ask(engine, PROMPTS[0], max_tokens=40)
    engine.step()
    long = ask(engine, list(range(10, 60)), max_tokens=2)
    engine.step()
    assert not long.chunks  # fifty tokens are more than a chunk beside a running row
    engine.step()
    engine.step()
    assert long.chunks
    # The first step gives the first token and the next one; the rest is one a step, and the long
    # prompt's own.
    assert [load.completion_tokens_total for load in loads] == [0, 2, 3, 6]


@pytest.mark.parametrize(("left", "most", "length"), [(5, 8, 5), (8, 8, 8), (9, 8, 7), (10, 8, 8)])
def test_no_chunk_leaves_a_single_token(left, most, length):
    assert chunk_length(left, most) == length


def test_a_beginning_met_before_is_not_computed_again_and_changes_nothing(decoder, language):
    loads: list[Load] = []
    engine = make_engine(decoder, language, prefix_bytes=1 << 20, on_load=loads.append)
    prompt = list(range(10, 40))
    first = ask(engine, prompt, max_tokens=12)
    finish(engine, first)
    again = ask(engine, prompt, max_tokens=12)
    other = ask(engine, [*prompt[:20], 99, 98, 97], max_tokens=12)
    finish(engine, again, other)
    engine.step()
    assert again.text == first.text
    assert loads[-1].reused_tokens_total == 24 + 16
    alone = make_engine(decoder, language)
    expected = ask(alone, [*prompt[:20], 99, 98, 97], max_tokens=12)
    finish(alone, expected)
    assert other.text == expected.text


def test_a_request_whose_time_is_over_fails_wherever_it_is(decoder, language):
    engine = make_engine(decoder, language)
    soon = time.monotonic() + 0.05
    running = ask(engine, PROMPTS[0], max_tokens=50, deadline=soon)
    engine.step()
    others = [ask(engine, prompt, max_tokens=50) for prompt in PROMPTS[1:3]]
    for _ in range(3):
        engine.step()
    waiting = ask(engine, PROMPTS[3], deadline=soon)
    time.sleep(0.06)
    engine.step()
    for heard in (running, waiting):
        assert isinstance(heard.error, Expired)
        assert str(heard.error).startswith("deadline passed")
    assert not any(heard.ended.is_set() for heard in others)
    finish(engine, ask(engine, PROMPTS[4]))


def test_a_draft_saves_steps_and_changes_no_text(decoder, language):
    def answer(draft_tokens):
        engine = make_engine(decoder, language, draft_tokens=draft_tokens)
        heard = ask(engine, REPETITIVE, max_tokens=40)
        steps = 0
        while not heard.ended.is_set():
            engine.step()
            steps += 1
        return heard.text, heard.chunks[-1].completion_tokens, steps

    text, count, steps = answer(0)
    assert answer(6)[:2] == (text, count)
    assert answer(6)[2] < steps


def test_a_draft_never_exceeds_the_length_or_an_end(decoder, language, reference):
    tokens = reference.greedy(REPETITIVE, 24)
    for count in range(1, 24):
        engine = make_engine(decoder, language, draft_tokens=6)
        heard = ask(engine, REPETITIVE, max_tokens=count)
        finish(engine, heard)
        assert heard.chunks[-1].completion_tokens == count
    end = tokens[-1]  # in the middle of a repetition
    engine = make_engine(decoder, language, draft_tokens=6, end_tokens=(end,))
    heard = ask(engine, REPETITIVE, max_tokens=40)
    finish(engine, heard)
    assert heard.chunks[-1].completion_tokens == tokens.index(end) + 1


def test_likelihoods_are_told_for_every_token(engine):
    heard = ask(engine, PROMPTS[0], max_tokens=12, logprobs=3)
    finish(engine, heard)
    told = [one for chunk in heard.chunks for one in chunk.likelihoods]
    assert len(told) == 12
    for one in told:
        assert len(one.likeliest) == 3
        assert one.likeliest[0] == one.chosen  # greedy
        assert one.chosen.logprob < 0
    unasked = ask(engine, PROMPTS[0], max_tokens=2)
    finish(engine, unasked)
    assert not any(chunk.likelihoods for chunk in unasked.chunks)


def test_a_penalty_on_repetition_reaches_prompt_and_answer(engine):
    free = ask(engine, [7, 8, 9] * 4, max_tokens=30)
    held = ask(
        engine,
        [7, 8, 9] * 4,
        max_tokens=30,
        logprobs=0,
        sampling=Sampling(temperature=0, repetition_penalty=2),
    )
    finish(engine, free, held)
    tokens = [one.chosen.token for chunk in held.chunks for one in chunk.likelihoods]
    assert held.text != free.text
    assert len(set(tokens)) > len(tokens) // 2


@st.composite
def _companies(draw):
    """Requests of all kinds, the step at which each comes, and when it is left, if ever."""
    request = st.fixed_dictionaries(
        {
            "prompt": st.sampled_from([*PROMPTS, list(range(10, 55)), list(range(10, 43))]),
            "max_tokens": st.integers(1, 18),
            "seed": st.none() | st.integers(0, 3),
            "comes": st.integers(0, 20),
            "leaves": st.none() | st.integers(1, 10),
        }
    )
    return draw(st.lists(request, min_size=2, max_size=7))


def _arguments(one):
    sampling = GREEDY if one["seed"] is None else Sampling(temperature=1, seed=one["seed"])
    return {"max_tokens": one["max_tokens"], "sampling": sampling}


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(companies=_companies())
def test_every_answer_is_the_same_in_every_company(decoder, language, companies):
    engine = make_engine(decoder, language, waiting=99, prefix_bytes=1 << 20)
    heard: dict[int, Heard] = {}
    for step in range(400):
        for place, one in enumerate(companies):
            if one["comes"] == step:
                heard[place] = ask(engine, one["prompt"], **_arguments(one))
            elif one["leaves"] is not None and one["comes"] + one["leaves"] == step:
                heard[place].gone = True
        engine.step()
    for place, one in enumerate(companies):
        alone = make_engine(decoder, language)
        expected = ask(alone, one["prompt"], **_arguments(one))
        finish(alone, expected)
        if heard[place].ended.is_set():
            assert heard[place].text == expected.text
        else:
            assert heard[place].gone
            assert expected.text.startswith(heard[place].text)
