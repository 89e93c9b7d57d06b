"""Reads Llama weights from a GGUF file, dequantised and in the order that PyTorch has them.

Names and layout: the GGUF specification (ggml repository, docs/gguf.md). GGUF's converters
interleave each attention head's rotary halves; here they are put back, so that adapters trained
against the original weights fit.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from triton_models.chat_lm.generation.manifest import ModelShape

Weight = NDArray[np.float32]


class UnsupportedWeights(Exception):
    """A GGUF file that this converter cannot turn into a graph; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LlamaGeometry:
    """The numbers that shape a Llama graph."""

    layers: int
    hidden_size: int
    heads: int
    key_value_heads: int
    head_size: int
    feed_forward_size: int
    context_length: int
    vocabulary_size: int
    norm_epsilon: float
    rotary_base: float
    end_tokens: tuple[int, ...]

    @property
    def served(self) -> ModelShape:
        return ModelShape(
            layers=self.layers,
            key_value_heads=self.key_value_heads,
            head_size=self.head_size,
            context_length=self.context_length,
            vocabulary_size=self.vocabulary_size,
            end_tokens=self.end_tokens,
        )


class GgufWeights:
    """A GGUF file, opened. Raises UnsupportedWeights where it holds no plain Llama."""

    def __init__(self, path: Path) -> None:
        self._reader = gguf.GGUFReader(path)
        self._tensors = {tensor.name: tensor for tensor in self._reader.tensors}
        if (architecture := self.metadata("general.architecture")) != "llama":
            raise UnsupportedWeights(f"{path}: architecture {architecture!r} is not llama")
        self.geometry = self._read_geometry()

    def metadata(self, key: str, default: Any = None) -> Any:
        field = self._reader.get_field(key)
        return default if field is None else field.contents()

    def has(self, name: str) -> bool:
        return name in self._tensors

    def tensor(self, name: str) -> Weight:
        """A tensor as float32; matrices are [outputs, inputs]. Raises UnsupportedWeights."""
        if name not in self._tensors:
            raise UnsupportedWeights(f"tensor {name} is missing")
        tensor = self._tensors[name]
        values = gguf.dequantize(tensor.data, tensor.tensor_type)
        return np.asarray(values, np.float32)

    def query(self, layer: int) -> Weight:
        weight = self.tensor(f"blk.{layer}.attn_q.weight")
        return _deinterleave(weight, self.geometry.heads)

    def key(self, layer: int) -> Weight:
        weight = self.tensor(f"blk.{layer}.attn_k.weight")
        return _deinterleave(weight, self.geometry.key_value_heads)

    def _read_geometry(self) -> LlamaGeometry:
        heads = self._number("attention.head_count")
        hidden_size = self._number("embedding_length")
        return LlamaGeometry(
            layers=self._number("block_count"),
            hidden_size=hidden_size,
            heads=heads,
            key_value_heads=self._number("attention.head_count_kv"),
            head_size=hidden_size // heads,
            feed_forward_size=self._number("feed_forward_length"),
            context_length=self._number("context_length"),
            vocabulary_size=len(self.metadata("tokenizer.ggml.tokens")),
            norm_epsilon=float(self.metadata("llama.attention.layer_norm_rms_epsilon")),
            rotary_base=float(self.metadata("llama.rope.freq_base", 10_000.0)),
            end_tokens=(int(self.metadata("tokenizer.ggml.eos_token_id")),),
        )

    def _number(self, name: str) -> int:
        value = self.metadata(f"llama.{name}")
        if value is None:
            raise UnsupportedWeights(f"metadata llama.{name} is missing")
        return int(value)


def _deinterleave(weight: Weight, heads: int) -> Weight:
    outputs, inputs = weight.shape
    pairs = weight.reshape(heads, outputs // heads // 2, 2, inputs)
    return np.ascontiguousarray(pairs.swapaxes(1, 2).reshape(outputs, inputs))
