"""LoRA adapters, on a tiny real model: each row its own, to the last bit."""

import threading

import numpy as np
import pytest

from tests.triton_models.test_engine import GREEDY, PROMPTS, Heard, finish
from tests.triton_models.tiny_adapter import random_adapter, write_adapter
from triton_models.chat_lm.generation.adapters import Adapters
from triton_models.chat_lm.generation.decoder import OnnxDecoder
from triton_models.chat_lm.generation.engine import Engine, Limits
from triton_models.chat_lm.generation.manifest import (
    MODEL_NAME,
    MODEL_WITH_ADAPTERS_NAME,
    read_manifest,
)
from triton_models.chat_lm.generation.prefix_cache import PrefixCache
from triton_models.chat_lm.generation.request import (
    AdapterStrength,
    GenerationRequest,
    InvalidRequest,
    UnknownAdapter,
)

RANKS = {"a": 4, "b": 8, "c": 2, "d": 8, "e": 16, "f": 1, "g": 8, "h": 3}
ENOUGH = 1 << 30


@pytest.fixture(scope="module")
def shape(tiny_artefacts):
    return read_manifest(tiny_artefacts).shape


@pytest.fixture(scope="module")
def folders(shape, tmp_path_factory):
    root = tmp_path_factory.mktemp("adapters")
    for seed, (name, rank) in enumerate(RANKS.items()):
        write_adapter(root / name, random_adapter(shape, rank=rank, seed=seed), rank=rank)
    return root


@pytest.fixture
def adapters(shape, folders) -> Adapters:
    loaded = Adapters(shape, ENOUGH)
    for name in RANKS:
        loaded.load(name, folders / name)
    return loaded


def make_decoder(artefacts, shape, adapters, rows=8):
    model = artefacts / (MODEL_NAME if adapters is None else MODEL_WITH_ADAPTERS_NAME)
    return OnnxDecoder(model, shape, rows=rows, context_length=64, threads=1, adapters=adapters)


def make_engine(decoder, language, adapters):
    return Engine(
        decoder,
        language,
        end_tokens=(),
        limits=Limits(waiting=20, single=2, default_max_tokens=6, chunk_tokens=32),
        adapters=adapters,
        prefixes=PrefixCache(block_tokens=4, most_bytes=1 << 20),
    )


def ask(engine, prompt, wanted, max_tokens=12) -> Heard:
    heard = Heard()
    strengths = tuple(AdapterStrength(name=name, strength=value) for name, value in wanted.items())
    engine.submit(
        GenerationRequest(
            prompt=prompt, sampling=GREEDY, max_tokens=max_tokens, adapters=strengths, logprobs=0
        ),
        heard,
    )
    return heard


def said(heard):
    return [one for chunk in heard.chunks for one in chunk.likelihoods]


def test_an_adapter_adds_what_peft_adds(tiny_artefacts, shape, tmp_path, reference):
    """Against the reference with the change added to its weights, half of it."""
    tensors = random_adapter(shape, rank=4, seed=5, size=0.05)
    adapters = Adapters(shape, ENOUGH)
    adapters.load("mine", write_adapter(tmp_path / "mine", tensors, rank=4, alpha=8))
    decoder = make_decoder(tiny_artefacts, shape, adapters)
    selection = adapters.take((AdapterStrength(name="mine", strength=0.5),))
    changed = reference.with_lora(tensors, scale=8 / 4 * 0.5)
    logits = decoder.extend(0, 0, PROMPTS[0], selection)[-1]
    np.testing.assert_allclose(logits, changed.logits(PROMPTS[0]), atol=2e-4)
    assert np.abs(logits - reference.logits(PROMPTS[0])).max() > 0.1


def test_strength_zero_is_the_base_model_to_the_last_bit(tiny_artefacts, shape, adapters):
    plain, adapted = (make_decoder(tiny_artefacts, shape, one) for one in (None, adapters))
    nothing = adapters.take((AdapterStrength(name="b", strength=0),))
    base = plain.extend(0, 0, PROMPTS[0], ())
    assert np.array_equal(adapted.extend(0, 0, PROMPTS[0], nothing), base)
    assert np.array_equal(adapted.extend(1, 0, PROMPTS[0], ()), base)
    expected = plain.decode([5], [5], [()]).copy()
    assert np.array_equal(adapted.decode([5], [5], [nothing]), expected)


def test_eight_adapters_in_one_batch_are_each_as_alone(tiny_artefacts, shape, adapters, language):
    wanted = [{name: 0.25 * (1 + place)} for place, name in enumerate(RANKS)]
    alone = []
    for one in wanted:
        engine = make_engine(make_decoder(tiny_artefacts, shape, adapters), language, adapters)
        heard = ask(engine, PROMPTS[0], one)
        finish(engine, heard)
        alone.append(said(heard))
    engine = make_engine(make_decoder(tiny_artefacts, shape, adapters), language, adapters)
    together = [ask(engine, PROMPTS[0], one) for one in wanted]
    finish(engine, *together)
    assert [said(heard) for heard in together] == alone  # the logits too, bit for bit
    assert len({tuple(one.chosen.token for one in answer) for answer in alone}) == len(RANKS)


def test_adapters_add_up(tiny_artefacts, shape, adapters, language):
    engine = make_engine(make_decoder(tiny_artefacts, shape, adapters), language, adapters)
    both, none, one = (
        ask(engine, PROMPTS[1], wanted) for wanted in ({"a": 1, "b": 0.5}, {}, {"a": 1, "b": 0})
    )
    first = ask(engine, PROMPTS[1], {"a": 1})
    finish(engine, both, none, one, first)
    assert said(one) == said(first)
    assert said(both) != said(first)
    assert said(none) != said(first)


def test_a_beginning_computed_with_one_adapter_serves_no_other(
    tiny_artefacts, shape, adapters, language
):
    engine = make_engine(make_decoder(tiny_artefacts, shape, adapters), language, adapters)
    prompt = list(range(10, 40))
    for wanted in ({"a": 1}, {"a": 0.5}, {"b": 1}, {}):
        fresh = make_engine(make_decoder(tiny_artefacts, shape, adapters), language, adapters)
        met, alone = ask(engine, prompt, wanted), ask(fresh, prompt, wanted)
        finish(engine, met)
        finish(fresh, alone)
        assert said(met) == said(alone)


def test_what_comes_and_goes_leaves_others_their_bits(
    tiny_artefacts, shape, folders, adapters, language
):
    engine = make_engine(make_decoder(tiny_artefacts, shape, adapters), language, adapters)
    undisturbed = ask(engine, PROMPTS[0], {"a": 1}, max_tokens=30)
    finish(engine, undisturbed)
    running = ask(engine, PROMPTS[0], {"a": 1}, max_tokens=30)
    leaving = ask(engine, PROMPTS[0], {"b": 1}, max_tokens=30)
    for _ in range(4):
        engine.step()
    adapters.unload("b")
    with pytest.raises(UnknownAdapter, match="'b' is not loaded; loaded: a, c"):
        ask(engine, PROMPTS[0], {"b": 1})
    adapters.load("b", folders / "c")  # its ranks are new ones: the old are in use
    finish(engine, running, leaving)
    assert said(running) == said(undisturbed)
    assert leaving.error is None


def test_the_matrices_shrink_when_adapters_go(shape, folders):
    adapters = Adapters(shape, ENOUGH)
    adapters.load("a", folders / "a")
    small = adapters.matrices.ranks
    adapters.load("e", folders / "e")
    assert adapters.matrices.ranks > small
    adapters.unload("e")
    assert adapters.matrices.ranks == small
    adapters.unload("a")
    assert adapters.matrices.ranks == 0


def test_ranks_are_kept_while_a_row_uses_them(shape, folders):
    adapters = Adapters(shape, ENOUGH)
    adapters.load("a", folders / "a")
    selection = adapters.take((AdapterStrength(name="a", strength=1),))
    adapters.unload("a")
    assert adapters.names == ()
    assert adapters.matrices.ranks
    adapters.give_back(selection)
    assert adapters.matrices.ranks == 0


def test_more_than_may_be_taken_is_refused_and_changes_nothing(shape, folders):
    adapters = Adapters(shape, 200_000)
    adapters.load("b", folders / "b")
    with pytest.raises(InvalidRequest, match=r"'e' does not fit.*unload another one"):
        adapters.load("e", folders / "e")
    assert adapters.names == ("b",)
    adapters.unload("b")
    adapters.load("d", folders / "d")


def test_a_name_is_given_once(adapters, folders):
    with pytest.raises(InvalidRequest, match="'a' is loaded already"):
        adapters.load("a", folders / "b")


def test_an_adapter_of_another_model_is_refused(shape, folders, tmp_path):
    tensors = {
        name: values[:, :-1] if "lora_A" in name else values
        for name, values in random_adapter(shape, rank=2, seed=1).items()
    }
    folder = write_adapter(tmp_path / "other", tensors, rank=2)
    with pytest.raises(InvalidRequest, match="made for another model"):
        Adapters(shape, ENOUGH).load("other", folder)
    deeper = {name.replace("layers.0", "layers.9"): values for name, values in tensors.items()}
    with pytest.raises(InvalidRequest, match="layer 9"):
        Adapters(shape, ENOUGH).load("x", write_adapter(tmp_path / "deeper", deeper, rank=2))


def test_loading_and_unloading_under_traffic_fails_no_request(
    tiny_artefacts, shape, folders, adapters, language
):
    engine = make_engine(make_decoder(tiny_artefacts, shape, adapters), language, adapters)
    expected = ask(engine, PROMPTS[0], {"a": 1}, max_tokens=20)
    finish(engine, expected)
    engine.start()
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            adapters.unload("h")
            adapters.load("h", folders / "h")

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        for _ in range(20):
            heard = ask(engine, PROMPTS[0], {"a": 1}, max_tokens=20)
            assert heard.ended.wait(20)
            assert [one.chosen.token for one in said(heard)] == [
                one.chosen.token for one in said(expected)
            ]
    finally:
        stop.set()
        swapping.join()
        engine.close()
