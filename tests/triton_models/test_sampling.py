from collections import Counter

import numpy as np
import pytest

from triton_models.chat_lm.generation.request import (
    GenerationRequest,
    InvalidRequest,
    Sampling,
)
from triton_models.chat_lm.generation.sampling import choose, likelihood

LOGITS = np.log(np.array([0.1, 0.4, 0.05, 0.25, 0.2], np.float32))


def draws(sampling, count=4000):
    random = np.random.default_rng(7)
    found = Counter(choose(LOGITS, sampling, random) for _ in range(count))
    return {token: number / count for token, number in found.items()}


def test_temperature_zero_takes_the_most_likely_token():
    assert draws(Sampling(temperature=0), 5) == {1: 1}


def test_equal_logits_are_decided_by_the_lower_token():
    random = np.random.default_rng(7)
    assert choose(np.array([1, 3, 3], np.float32), Sampling(temperature=0), random) == 1


def test_temperature_one_follows_the_probabilities():
    shares = draws(Sampling(temperature=1))
    for token, probability in enumerate((0.1, 0.4, 0.05, 0.25, 0.2)):
        assert shares[token] == pytest.approx(probability, abs=0.03)


def test_a_low_temperature_sharpens():
    assert draws(Sampling(temperature=0.3))[1] > 0.7


@pytest.mark.parametrize(
    ("limits", "tokens"),
    [
        ({"top_k": 1}, {1}),
        ({"top_k": 3}, {1, 3, 4}),
        ({"top_p": 0.39}, {1}),
        ({"top_p": 0.6}, {1, 3}),
        ({"top_p": 0.66}, {1, 3, 4}),
        ({"top_k": 2, "top_p": 0.99}, {1, 3}),
        ({"top_k": 50}, {0, 1, 2, 3, 4}),
    ],
)
def test_top_k_and_top_p_cut_the_tail(limits, tokens):
    assert set(draws(Sampling(temperature=1, **limits))) == tokens


@pytest.mark.parametrize(
    "values",
    [
        {"temperature": -0.1},
        {"temperature": 2.1},
        {"temperature": float("nan")},
        {"temperature": 1, "top_p": 0},
        {"temperature": 1, "top_p": 1.1},
        {"temperature": 1, "top_k": -1},
        {"temperature": 1, "seed": -1},
        {"temperature": 1, "min_p": 1.5},
        {"temperature": 1, "repetition_penalty": 0},
    ],
)
def test_values_out_of_range_are_refused(values):
    with pytest.raises(InvalidRequest, match=list(values)[-1]):
        Sampling(**values)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"prompt": []}, "prompt is empty"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"stops": ("",)}, "stop string"),
        ({"stops": ("x" * 257,)}, "stop string"),
        ({"stops": ("x",) * 9}, "at most 8"),
    ],
)
def test_requests_out_of_range_are_refused(values, complaint):
    with pytest.raises(InvalidRequest, match=complaint):
        GenerationRequest(**{"prompt": [1], "sampling": Sampling(temperature=0), **values})


def test_min_p_drops_what_is_unlikely_beside_the_likeliest():
    assert set(draws(Sampling(temperature=1, min_p=0.3))) == {1, 3, 4}
    assert set(draws(Sampling(temperature=1, min_p=1))) == {1}


def test_a_penalty_makes_what_was_said_less_likely():
    random = np.random.default_rng(7)
    logits = np.array([3.0, 2.0, -1.0], np.float32)
    greedy = Sampling(temperature=0, repetition_penalty=2)
    assert choose(logits, greedy, random, seen={0}) == 1
    assert choose(logits, greedy, random, seen={0, 1}) == 0
    assert choose(np.array([-1.0, -1.5], np.float32), greedy, random, seen={0}) == 1
    assert logits.tolist() == [3.0, 2.0, -1.0]


def test_likelihoods_are_those_of_the_model_whatever_the_sampling():
    told = likelihood(LOGITS, 3, 2)
    assert told.chosen.token == 3
    assert np.exp(told.chosen.logprob) == pytest.approx(0.25)
    assert [one.token for one in told.likeliest] == [1, 3]
    assert likelihood(LOGITS, 0, 0).likeliest == ()
