import json

import numpy as np
import pytest

from tests.triton_models.conversion.tiny_checkpoints import (
    TEMPLATE,
    tiny_config,
    tiny_tensors,
    tokenizer,
    write_safetensors,
    write_tiny_checkpoint,
)
from triton_models.chat_lm.generation.manifest import Precision, SamplingDefaults, Source
from triton_models.conversion.artefacts import make_artefacts
from triton_models.conversion.checkpoint import TextEnds, UnsupportedWeights
from triton_models.conversion.hugging_face_checkpoint import HuggingFaceCheckpoint

SOURCE = Source(origin="random", file="model.safetensors", sha256="0", licence="Apache-2.0")


@pytest.fixture
def folder(tmp_path):
    return write_tiny_checkpoint(tmp_path / "tiny", "llama")


def amend(path, **changes):
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def refuse(folder, complaint):
    """Nothing may have been written when the refusal comes."""
    directory = folder / "artefacts"
    directory.mkdir()
    with pytest.raises(UnsupportedWeights, match=complaint):
        make_artefacts(folder, directory, source=SOURCE)
    assert not list(directory.iterdir())


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"architectures": ["MixtralForCausalLM"]}, "'MixtralForCausalLM' is not one of Llama"),
        ({"architectures": ["Gemma3ForConditionalGeneration"]}, "not one of"),
        ({"quantization_config": {"quant_method": "gptq"}}, "quantised"),
        ({"rope_scaling": {"rope_type": "yarn", "factor": 2.0}}, "rotary scaling 'yarn'"),
        ({"hidden_act": "relu"}, "activation 'relu'"),
        ({"layer_types": ["chunked_attention"] * 2}, "layers of the kind 'chunked_attention'"),
        ({"num_hidden_layers": 3}, "tensors blk.2.attn_k.weight and 8 more are missing"),
        ({"num_hidden_layers": 1}, "are not known of the architecture llama"),
        ({"intermediate_size": 128}, r"has the shape \(96, 64\) where .* says \(128, 64\)"),
        ({"hidden_size": None}, "no number hidden_size"),
        ({"rms_norm_eps": None}, "no number rms_norm_eps"),
        ({"rope_scaling": {"rope_type": "linear"}}, "no number factor"),
        ({"rope_scaling": {"type": "longrope", "long_factor": [1]}}, "short_factor has 0 numbers"),
        ({"use_bidirectional_attention": True}, "looks ahead"),
    ],
)
def test_what_cannot_be_converted_is_refused_by_name(changes, complaint, folder):
    amend(folder / "config.json", **changes)
    refuse(folder, complaint)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_missing_file_is_named(name, folder):
    (folder / name).unlink()
    refuse(folder, rf"{name} is missing")


def test_a_missing_chat_template_is_told_with_what_to_do(folder):
    (folder / "tokenizer_config.json").write_text('{"eos_token": "</s>"}')
    refuse(folder, r"no chat template: put one beside its weights, as chat_template\.jinja")


def test_a_file_that_was_cut_short_is_named(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UnsupportedWeights, match=r"model\.safetensors is cut short"):
        make_artefacts(folder, folder, source=SOURCE)


def test_a_tensor_that_the_graph_would_leave_out_is_refused(tmp_path):
    experts = {"model.layers.0.block_sparse_moe.gate.weight": np.ones((2, 64), np.float32)}
    refuse(write_tiny_checkpoint(tmp_path / "moe", "llama", updates=experts), "moe.gate|gate_inp")


@pytest.mark.parametrize(
    ("bias", "size", "complaint"),
    [
        ("lm_head.bias", 64, "tensor output.bias is not known"),
        ("model.norm.bias", 64, "tensor output_norm.bias is not known"),
        ("model.layers.0.mlp.down_proj.bias", 63, r"has the shape \(63,\) where"),
    ],
)
def test_a_bias_that_the_graph_would_leave_out_is_refused(bias, size, complaint, tmp_path):
    updates = {bias: np.ones(size, np.float32)}
    refuse(write_tiny_checkpoint(tmp_path / "biased", "llama", updates=updates), complaint)


def test_weights_in_several_files_are_read_by_their_index(folder):
    tensors = tiny_tensors(tiny_config("llama"))
    names = sorted(tensors)
    shards = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    before = HuggingFaceCheckpoint(folder)
    expected = {name: before.tensor(name) for name in before.shapes}
    (folder / "model.safetensors").unlink()
    for shard, held in shards.items():
        write_safetensors(folder / shard, {name: tensors[name] for name in held}, "bfloat16")
    index = {name: shard for shard, held in shards.items() for name in held}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    checkpoint = HuggingFaceCheckpoint(folder)
    assert checkpoint.shapes.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(checkpoint.tensor(name), values)
    (folder / "b.safetensors").unlink()
    refuse(folder, r"b\.safetensors is missing")


def test_values_too_large_for_half_precision_are_refused(tmp_path):
    large = {"model.layers.1.mlp.up_proj.weight": np.full((96, 64), 1e5, np.float32)}
    folder = write_tiny_checkpoint(tmp_path / "large", "mistral", updates=large)
    with pytest.raises(
        UnsupportedWeights, match=r"blk\.1\.ffn_gate_up has values that float16 cannot hold"
    ):
        make_artefacts(folder, folder, source=SOURCE, precision=Precision.FP16)


def test_the_tokenizers_own_end_comes_first_and_it_knows_whether_texts_begin(folder):
    assert HuggingFaceCheckpoint(folder).text_ends == TextEnds(begin_token=0, end_tokens=(1, 2))
    amend(folder / "tokenizer_config.json", add_bos_token=False, eos_token={"content": "<|end|>"})
    ends = HuggingFaceCheckpoint(folder).text_ends
    assert ends == TextEnds(begin_token=None, end_tokens=(2, 1))


def test_the_tokenizer_neither_cuts_nor_pads(folder, tmp_path):
    cutting = tokenizer()
    cutting.enable_truncation(3)
    cutting.enable_padding(length=3)
    cutting.save(str(folder / "tokenizer.json"))
    HuggingFaceCheckpoint(folder).write_language(tmp_path)
    written = json.loads((tmp_path / "tokenizer.json").read_text())
    assert (written["truncation"], written["padding"]) == (None, None)


@pytest.mark.parametrize(
    "told",
    [TEMPLATE, [{"name": "tool_use", "template": "x"}, {"name": "default", "template": TEMPLATE}]],
)
def test_a_chat_template_is_found_in_either_place_and_either_form(told, folder, tmp_path):
    amend(folder / "tokenizer_config.json", chat_template=told)
    HuggingFaceCheckpoint(folder).write_language(tmp_path)
    assert (tmp_path / "chat_template.jinja").read_text() == TEMPLATE
    (folder / "chat_template.jinja").write_text("newer")
    HuggingFaceCheckpoint(folder).write_language(tmp_path)
    assert (tmp_path / "chat_template.jinja").read_text() == "newer"


@pytest.mark.parametrize(
    ("told", "temperature", "top_p"),
    [
        ({}, 0.0, 1.0),
        ({"temperature": 0.7}, 0.0, 1.0),
        ({"do_sample": True}, 1.0, 1.0),
        ({"do_sample": True, "temperature": 0.7, "top_p": 0.8}, 0.7, 0.8),
    ],
)
def test_it_samples_as_its_makers_recommend(told, temperature, top_p, folder):
    amend(folder / "generation_config.json", **told)
    expected = SamplingDefaults(temperature=temperature, top_p=top_p)
    assert HuggingFaceCheckpoint(folder).sampling_defaults == expected


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: apache-2.0\n---\nText.", "apache-2.0"),
        ("---\nlicense: other\nlicense_name: llama3.1\n---\n", "llama3.1"),
        ("---\nlicense:\n- mit\n- apache-2.0\n---\n", "mit, apache-2.0"),
        ("No header.", None),
        ("A rule\n---\n- is: [no header\n---\n", None),
    ],
)
def test_the_licence_is_that_of_the_model_card(card, licence, folder):
    (folder / "README.md").write_text(card)
    assert HuggingFaceCheckpoint(folder).licence == licence


def test_a_head_that_is_tied_is_not_written_twice(tmp_path):
    again = {"lm_head.weight": np.ones((64, 64), np.float32)}
    folder = write_tiny_checkpoint(tmp_path / "tied", "qwen2", updates=again)
    assert "output.weight" not in HuggingFaceCheckpoint(folder).shapes


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.INT8])
def test_progress_ends_when_every_weight_was_read_once(precision, folder, tmp_path):
    told = []
    directory = tmp_path / "artefacts"
    directory.mkdir()
    make_artefacts(
        *(folder, directory),
        source=SOURCE,
        precision=precision,
        on_progress=lambda done, total: told.append((done, total)),
    )
    weights = sum(values.size for values in tiny_tensors(tiny_config("llama")).values())
    assert told == sorted(told)
    assert told[-1] == (weights, weights)
