"""The tiny checkpoints as GGUF files, laid out as llama.cpp's converter lays them out."""

from collections.abc import Mapping
from pathlib import Path

import gguf
import numpy as np

from .tiny_checkpoints import TEMPLATE, VOCABULARY, Config, tiny_config, tiny_tensors


def write_gguf_of(path: Path, name: str, *, metadata: Mapping[str, str] | None = None) -> Path:
    """Writes the GGUF file of ``CONFIGS[name]``, with ``metadata`` in place of its own."""
    config = tiny_config(name)
    architecture = config["model_type"].replace("mistral", "llama")
    writer = gguf.GGUFWriter(path, architecture)
    _add_numbers(writer, config)
    _add_tokenizer(writer)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH[architecture.upper()], 2)
    for published, values in tiny_tensors(config).items():
        tensor = names.get_name(published, (".weight", ".bias"))
        writer.add_tensor(tensor, _stored(tensor, values, architecture, config))
    for tensor, factors in _rotary_factors(config).items():
        writer.add_tensor(tensor, np.array(factors, np.float32))
    for key, value in (metadata or {}).items():
        writer.kv_data[0][key] = gguf.GGUFValue(value, gguf.GGUFValueType.STRING)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_numbers(writer: gguf.GGUFWriter, config: Config) -> None:
    heads, hidden = config["num_attention_heads"], config["hidden_size"]
    head_size = config.get("head_dim", hidden // heads)
    writer.add_license("apache-2.0")
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(hidden)
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(head_size)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config.get("rope_theta", 10_000.0))
    writer.add_rope_dimension_count(int(head_size * config.get("partial_rotary_factor", 1)))
    if config["model_type"] in {"mistral", "phi3"} and "sliding_window" in config:
        writer.add_sliding_window(config["sliding_window"])
    if "original_max_position_embeddings" in config:
        original = config["original_max_position_embeddings"]
        stretch = config["max_position_embeddings"] / original
        writer.add_rope_scaling_orig_ctx_len(original)
        writer.add_rope_scaling_attn_factors(np.sqrt(1 + np.log(stretch) / np.log(original)))


def _add_tokenizer(writer: gguf.GGUFWriter) -> None:
    special, plain = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_list([*VOCABULARY[:-1], "AB"])
    writer.add_token_types([special] * 3 + [plain] * (len(VOCABULARY) - 3))
    writer.add_token_merges(["A B"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_eot_token_id(2)
    writer.add_chat_template(TEMPLATE)


def _stored(tensor: str, values: np.ndarray, architecture: str, config: Config) -> np.ndarray:
    part = tensor.split(".")[-2]
    if architecture != "llama" or part not in {"attn_q", "attn_k"}:
        return values
    key = {"attn_q": "num_attention_heads", "attn_k": "num_key_value_heads"}[part]
    halves = values.reshape(config[key], 2, -1, *values.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(values.shape))


def _rotary_factors(config: Config) -> dict[str, list[float]]:
    scaling = config.get("rope_scaling", {})
    kind = scaling.get("rope_type", scaling.get("type"))
    if kind == "longrope":
        return {
            "rope_factors_long.weight": scaling["long_factor"],
            "rope_factors_short.weight": scaling["short_factor"],
        }
    if kind != "llama3":
        return {}
    pairs = config["hidden_size"] // config["num_attention_heads"] // 2
    wavelengths = 2 * np.pi * config["rope_theta"] ** (np.arange(pairs) / pairs)
    original, factor = scaling["original_max_position_embeddings"], scaling["factor"]
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    blend = (original / wavelengths - low) / (high - low)
    factors = [
        1.0
        if wavelength < original / high
        else factor
        if wavelength > original / low
        else 1 / ((1 - share) / factor + share)
        for wavelength, share in zip(wavelengths, blend, strict=True)
    ]
    return {"rope_freqs.weight": factors}
