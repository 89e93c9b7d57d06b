"""GGUF files give what the Hugging Face folders of the same weights give."""

import json

import numpy as np
import pytest
from tokenizers import Tokenizer

from tests.triton_models.conversion.graph_session import GraphSession
from tests.triton_models.conversion.tiny_checkpoints import VOCABULARY, write_tiny_checkpoint
from tests.triton_models.conversion.tiny_gguf import write_gguf_of
from tests.triton_models.conversion.transformers_reference import COUNT, STORED
from triton_models.chat_lm.generation.manifest import Source
from triton_models.conversion.artefacts import make_artefacts
from triton_models.conversion.checkpoint import TextEnds, UnsupportedWeights
from triton_models.conversion.gguf_checkpoint import GgufCheckpoint
from triton_models.conversion.hugging_face_checkpoint import HuggingFaceCheckpoint

REFERENCE = json.loads(STORED.read_text())
SOURCE = Source(origin="random", file="tiny.gguf", sha256="0", licence="Apache-2.0")


@pytest.mark.parametrize("name", ["mistral", "phi3", "phi3-longrope", "qwen3", "qwen2"])
def test_logits_and_greedy_tokens_are_those_of_transformers(name, tmp_path):
    directory = tmp_path / "artefacts"
    directory.mkdir()
    path = write_gguf_of(tmp_path / "tiny.gguf", name)
    session = GraphSession(directory, make_artefacts(path, directory, source=SOURCE).shape)
    stored = REFERENCE[name]
    logits, _ = session.run(
        *([stored["prompt"]], [len(stored["prompt"])], session.empty_cache()),
        positions=stored["positions"],
    )
    # Of the half precision that this folder has, float32 has other digits.
    np.testing.assert_allclose(logits[0], stored["logits"], atol=0.02 if name == "qwen2" else 2e-4)
    assert session.greedy(stored["prompt"], COUNT) == stored["continuation"]


@pytest.mark.parametrize("name", ["llama", "mistral", "phi3-longrope", "qwen2", "qwen3"])
@pytest.mark.parametrize("context_length", [16, None])
def test_a_network_is_that_of_the_published_folder(name, context_length, tmp_path):
    folder = write_tiny_checkpoint(tmp_path / "folder", name)
    published = HuggingFaceCheckpoint(folder, context_length=context_length).network
    path = write_gguf_of(tmp_path / "tiny.gguf", name)
    network = GgufCheckpoint(path, context_length=context_length).network
    assert without_rotation(network) == without_rotation(published)
    for layer, expected in zip(network.layers, published.layers, strict=True):
        assert layer.rotary.factors == pytest.approx(expected.rotary.factors)
        assert layer.rotary.magnitude == pytest.approx(expected.rotary.magnitude)
        assert layer.rotary.base == expected.rotary.base


def without_rotation(network):
    windows = tuple(layer.sliding_window for layer in network.layers)
    return windows, network.tensors, network.context_length


def test_its_language_is_made_from_the_metadata_alone(tmp_path):
    checkpoint = GgufCheckpoint(write_gguf_of(tmp_path / "tiny.gguf", "llama"))
    assert checkpoint.text_ends == TextEnds(begin_token=0, end_tokens=(1, 2))
    assert checkpoint.licence == "apache-2.0"
    checkpoint.write_language(tmp_path)
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    expected = [0, *(VOCABULARY.index(one) for one in "CA"), len(VOCABULARY) - 1, 2]
    assert tokenizer.encode("<s>CAAB<|end|>").ids == expected


@pytest.mark.parametrize(
    ("key", "value", "complaint"),
    [
        ("general.architecture", "falcon", "'falcon' is not one of llama"),
        ("general.architecture", "gemma2", "'gemma2' is not one of llama"),
        ("llama.rope.scaling.type", "yarn", "rotary scaling 'yarn'"),
        ("tokenizer.ggml.pre", "deepseek-llm", "'gpt2' with 'deepseek-llm'"),
        ("tokenizer.ggml.model", "llama", "convert the Hugging Face folder instead"),
    ],
)
def test_what_cannot_be_converted_is_refused_by_name(key, value, complaint, tmp_path):
    path = write_gguf_of(tmp_path / "tiny.gguf", "llama", metadata={key: value})
    directory = tmp_path / "artefacts"
    directory.mkdir()
    with pytest.raises(UnsupportedWeights, match=complaint):
        make_artefacts(path, directory, source=SOURCE)
    assert not list(directory.iterdir())


def test_a_file_of_another_format_is_refused(tmp_path):
    path = tmp_path / "weights.gguf"
    path.write_bytes(b"not weights at all")
    with pytest.raises(UnsupportedWeights, match="not a GGUF file"):
        GgufCheckpoint(path)
