"""Configurations are read as transformers reads them, however they are written."""

import pytest

from tests.triton_models.conversion.tiny_checkpoints import tiny_config
from triton_models.conversion.hugging_face_network import read_network


def network(name, **changes):
    config = {key: value for key, value in tiny_config(name, **changes).items() if value != "none"}
    return read_network(config, has_head=True, context_length=None)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("mistral", {"rope_type": "default", "rope_theta": 100_000.0}),
        (
            "gemma3",
            {
                "full_attention": {"rope_type": "linear", "factor": 4.0, "rope_theta": 1_000_000.0},
                "sliding_attention": {"rope_type": "default", "rope_theta": 10_000.0},
            },
        ),
        (
            "phi3-longrope",
            {
                **tiny_config("phi3-longrope")["rope_scaling"],
                "rope_type": "longrope",
                "rope_theta": 10_000.0,
                "partial_rotary_factor": 0.5,
            },
        ),
    ],
)
def test_rotations_are_the_same_in_the_way_of_version_5(name, parameters):
    older = {"rope_scaling": "none", "rope_theta": "none", "rope_local_base_freq": "none"}
    assert network(name, rope_parameters=parameters, **older) == network(name)


@pytest.mark.parametrize(
    ("name", "changes", "windows"),
    [
        ("mistral", {"sliding_window": None}, [0, 0, 0, 0]),
        ("mistral", {}, [8, 8, 8, 8]),
        ("mistral", {"sliding_window": 64}, [0, 0, 0, 0]),  # as long as the context
        ("qwen2", {}, [0, 0, 0, 0]),
        ("qwen2-sliding", {}, [0, 6, 6, 6]),
        ("gemma2", {}, [6, 0, 6, 0]),
        ("gemma3", {"sliding_window_pattern": 3}, [6, 6, 0, 6]),
        ("gemma3", {"sliding_window_pattern": "none"}, [6, 6, 6, 6]),  # every sixth looks back
        (
            "qwen3",
            {"sliding_window": 5, "layer_types": ["full_attention", "sliding_attention"] * 2},
            [0, 5, 0, 5],
        ),
    ],
)
def test_the_layers_that_slide_are_those_of_transformers(name, changes, windows):
    layers = network(name, num_hidden_layers=4, **changes).layers
    assert [layer.sliding_window for layer in layers] == windows


@pytest.mark.parametrize(("told", "tied"), [(True, True), (False, False), ("none", False)])
def test_a_head_is_tied_where_it_is_said_or_there_is_no_other(told, tied):
    assert network("llama", tie_word_embeddings=told).tied_head is tied
