"""A Llama with random weights, small enough to be converted and run in milliseconds.

It has what the real one has: grouped attention, quantised tensors, tied embeddings, a byte-level
tokenizer with merges, and a chat template.
"""

from pathlib import Path

import gguf
import numpy as np

HIDDEN, LAYERS, HEADS, KEY_VALUE_HEADS, FEED_FORWARD, CONTEXT = 64, 2, 4, 2, 96, 96
MERGES = ["h e", "l l", "Ġ t", "he ll"]
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
END_TOKEN = 2
TEMPLATE = (
    "{% for message in messages %}{% if message.role == 'tool' %}{{ raise_exception('no') }}"
    "{% endif %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write_tiny_gguf(path: Path, *, seed: int = 1, architecture: str = "llama") -> Path:
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(LAYERS)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_VALUE_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10_000.0)
    vocabulary_size = _add_tokenizer(writer)
    for name, values, kind in _tensors(np.random.default_rng(seed), vocabulary_size):
        writer.add_tensor(name, gguf.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_tokenizer(writer: gguf.GGUFWriter) -> int:
    tokens = SPECIAL + _byte_characters() + [merge.replace(" ", "") for merge in MERGES]
    kinds = [gguf.TokenType.CONTROL] * len(SPECIAL)
    kinds += [gguf.TokenType.NORMAL] * (len(tokens) - len(SPECIAL))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(MERGES)
    writer.add_eos_token_id(END_TOKEN)
    writer.add_chat_template(TEMPLATE)
    return len(tokens)


def _byte_characters() -> list[str]:
    """GPT-2's alphabet: a printable character for each byte."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + place) for place in range(len(others))]


def _tensors(random: np.random.Generator, vocabulary_size: int):
    f32, q8, q4 = (gguf.GGMLQuantizationType[name] for name in ("F32", "Q8_0", "Q4_1"))

    def matrix(outputs: int, inputs: int) -> np.ndarray:
        return random.normal(0, 1.5 / np.sqrt(inputs), (outputs, inputs)).astype(np.float32)

    def norm() -> np.ndarray:
        return random.normal(1, 0.1, HIDDEN).astype(np.float32)

    head_size = HIDDEN // HEADS
    yield "token_embd.weight", matrix(vocabulary_size, HIDDEN), q8
    yield "output_norm.weight", norm(), f32
    for layer in range(LAYERS):
        prefix = f"blk.{layer}"
        yield f"{prefix}.attn_norm.weight", norm(), f32
        yield f"{prefix}.ffn_norm.weight", norm(), f32
        yield f"{prefix}.attn_q.weight", matrix(HIDDEN, HIDDEN), q4
        yield f"{prefix}.attn_k.weight", matrix(KEY_VALUE_HEADS * head_size, HIDDEN), q4
        yield f"{prefix}.attn_v.weight", matrix(KEY_VALUE_HEADS * head_size, HIDDEN), q4
        yield f"{prefix}.attn_output.weight", matrix(HIDDEN, HIDDEN), q4
        yield f"{prefix}.ffn_gate.weight", matrix(FEED_FORWARD, HIDDEN), q4
        yield f"{prefix}.ffn_up.weight", matrix(FEED_FORWARD, HIDDEN), q4
        yield f"{prefix}.ffn_down.weight", matrix(HIDDEN, FEED_FORWARD), q4
