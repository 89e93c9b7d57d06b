"""Hugging Face folders with random weights, one for each architecture; the same ones every time.

They are written without the converter and without transformers, so that both read the same bytes.
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

Config = dict[str, Any]

VOCABULARY = ["<s>", "</s>", "<|end|>", *(chr(code) for code in range(33, 94))]
TEMPLATE = "{% for message in messages %}{{ message.content }}{% endfor %}"
_COMMON: Config = {
    "vocab_size": len(VOCABULARY),
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5,
    "hidden_act": "silu",
    "bos_token_id": 0,
    "eos_token_id": 1,
    "pad_token_id": None,
    "tie_word_embeddings": False,
    "torch_dtype": "float32",
}
_GEMMA: Config = {
    "head_dim": 32,
    "hidden_act": "gelu_pytorch_tanh",
    "hidden_activation": "gelu_pytorch_tanh",
    "tie_word_embeddings": True,
}
_LONGROPE: Config = {
    "architectures": ["Phi3ForCausalLM"],
    "model_type": "phi3",
    "hidden_size": 128,
    "partial_rotary_factor": 0.5,
    "original_max_position_embeddings": 16,
    "rope_theta": 10_000.0,
    "rope_scaling": {
        "type": "longrope",
        "short_factor": [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7],
        "long_factor": [1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0],
    },
}

CONFIGS: Mapping[str, Config] = {
    "llama": {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "torch_dtype": "bfloat16",
        "rope_theta": 10_000.0,
        "rope_scaling": {
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 32,
        },
    },
    "llama-with-biases": {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "attention_bias": True,
        "mlp_bias": True,
        "rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 5_000.0},
    },
    "mistral": {
        "architectures": ["MistralForCausalLM"],
        "model_type": "mistral",
        "sliding_window": 8,
        "rope_theta": 100_000.0,
    },
    "phi3": {"architectures": ["Phi3ForCausalLM"], "model_type": "phi3", "sliding_window": 7},
    "phi3-longrope": _LONGROPE,
    "qwen2": {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "torch_dtype": "float16",
        "tie_word_embeddings": True,
        "use_sliding_window": False,
        "sliding_window": 4,
        "max_window_layers": 1,
        "rope_theta": 1_000_000.0,
    },
    "qwen2-sliding": {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "use_sliding_window": True,
        "sliding_window": 6,
        "max_window_layers": 1,
    },
    "qwen3": {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "head_dim": 32,
        "rope_theta": 1_000_000.0,
    },
    "gemma": {"architectures": ["GemmaForCausalLM"], "model_type": "gemma", **_GEMMA},
    "gemma2": {
        "architectures": ["Gemma2ForCausalLM"],
        "model_type": "gemma2",
        **_GEMMA,
        "sliding_window": 6,
        "query_pre_attn_scalar": 16,
        "attn_logit_softcapping": 5.0,
        "final_logit_softcapping": 3.0,
    },
    "gemma3": {
        "architectures": ["Gemma3ForCausalLM"],
        "model_type": "gemma3_text",
        **_GEMMA,
        "sliding_window": 6,
        "sliding_window_pattern": 2,
        "query_pre_attn_scalar": 16,
        "rope_theta": 1_000_000.0,
        "rope_local_base_freq": 10_000.0,
        "rope_scaling": {"rope_type": "linear", "factor": 4.0},
        "attn_logit_softcapping": None,
        "final_logit_softcapping": None,
    },
}


def write_tiny_checkpoint(
    folder: Path, name: str, *, updates: Mapping[str, np.ndarray] | None = None, **changes: Any
) -> Path:
    """Writes the folder of ``CONFIGS[name]``, with ``changes`` to its configuration.

    ``updates`` are added to its tensors; those of a name that it lacks are further ones.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = tiny_config(name, **changes)
    _write_json(folder / "config.json", config)
    _write_json(folder / "generation_config.json", {"eos_token_id": [1, 2]})
    tokenizer_config = {"bos_token": "<s>", "eos_token": "</s>", "chat_template": TEMPLATE}
    _write_json(folder / "tokenizer_config.json", tokenizer_config)
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\nA model.\n")
    tokenizer().save(str(folder / "tokenizer.json"))
    tensors = tiny_tensors(config)
    for tensor, update in (updates or {}).items():
        tensors[tensor] = (tensors.get(tensor, 0) + update).astype(np.float32)
    write_safetensors(folder / "model.safetensors", tensors, config["torch_dtype"])
    return folder


def tiny_config(name: str, **changes: Any) -> Config:
    return {**_COMMON, **CONFIGS[name], **changes}


def tiny_tensors(config: Config) -> dict[str, np.ndarray]:
    return {name: _values(name, shape) for name, shape in _shapes(config)}


def tokenizer() -> Tokenizer:
    """A token for each printable character, and one that begins every text."""
    made = Tokenizer(models.BPE(vocab={text: i for i, text in enumerate(VOCABULARY)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(VOCABULARY[:3])
    made.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", 0)])
    return made


def write_safetensors(path: Path, tensors: Mapping[str, np.ndarray], kind: str) -> None:
    """Writes float32 values as ``kind``: float32, float16 or bfloat16."""
    header, content = {}, b""
    for name, values in tensors.items():
        stored = _STORE[kind](values)
        offsets = [len(content), len(content) + len(stored)]
        shape = list(values.shape)
        header[name] = {"dtype": _NAMES[kind], "shape": shape, "data_offsets": offsets}
        content += stored
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content)


_NAMES = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}
_STORE = {
    "float32": lambda values: values.tobytes(),
    "float16": lambda values: values.astype(np.float16).tobytes(),
    "bfloat16": lambda values: (values.view(np.uint32) >> 16).astype(np.uint16).tobytes(),
}


def _values(name: str, shape: tuple[int, ...]) -> np.ndarray:
    random = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith("norm.weight"):
        return random.normal(0.5, 0.2, shape).astype(np.float32)
    spread = 0.3 if len(shape) == 1 else 1.5 / np.sqrt(shape[1])
    return random.normal(0, spread, shape).astype(np.float32)


def _shapes(config: Config) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden, vocabulary = config["hidden_size"], config["vocab_size"]
    yield "model.embed_tokens.weight", (vocabulary, hidden)
    yield "model.norm.weight", (hidden,)
    if not config["tie_word_embeddings"]:
        yield "lm_head.weight", (vocabulary, hidden)
    for layer in range(config["num_hidden_layers"]):
        for name, shape in _block(config):
            yield f"model.layers.{layer}.{name}", shape


def _block(config: Config) -> Iterator[tuple[str, tuple[int, ...]]]:
    kind, hidden = config["model_type"], config["hidden_size"]
    for norm in _norms(kind):
        yield f"{norm}.weight", (hidden,)
    if kind in {"qwen3", "gemma3_text"}:
        for norm in ("q_norm", "k_norm"):
            yield f"self_attn.{norm}.weight", (config["head_dim"],)
    for name, shape in _linears(config):
        yield f"{name}.weight", shape
        biased = config.get("attention_bias") or (
            kind == "qwen2" and name.endswith(("q_proj", "k_proj", "v_proj"))
        )
        if biased:
            yield f"{name}.bias", shape[:1]


def _norms(kind: str) -> tuple[str, ...]:
    around = ("input_layernorm", "post_attention_layernorm")
    if kind in {"gemma2", "gemma3_text"}:
        return (*around, "pre_feedforward_layernorm", "post_feedforward_layernorm")
    return around


def _linears(config: Config) -> Iterator[tuple[str, tuple[int, int]]]:
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    heads, key_value_heads = config["num_attention_heads"], config["num_key_value_heads"]
    head_size = config.get("head_dim", hidden // heads)
    query, key = heads * head_size, key_value_heads * head_size
    if config["model_type"] == "phi3":
        yield "self_attn.qkv_proj", (query + 2 * key, hidden)
        yield "mlp.gate_up_proj", (2 * inner, hidden)
    else:
        yield "self_attn.q_proj", (query, hidden)
        yield "self_attn.k_proj", (key, hidden)
        yield "self_attn.v_proj", (key, hidden)
        yield "mlp.gate_proj", (inner, hidden)
        yield "mlp.up_proj", (inner, hidden)
    yield "self_attn.o_proj", (hidden, query)
    yield "mlp.down_proj", (hidden, inner)


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1))
