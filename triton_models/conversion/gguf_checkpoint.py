"""Reads weights from a GGUF file, dequantised and in the order that PyTorch has them.

Names and layout: the GGUF specification (ggml repository, docs/gguf.md).
"""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from triton_models.chat_lm.generation.manifest import SamplingDefaults

from . import gguf_language, rotary
from .architecture import BY_NAME
from .checkpoint import TextEnds, UnsupportedWeights, Weight
from .network import EMBEDDING, HEAD, Layer, Network, Rotary

# Of Gemma, GGUF leaves to its readers which layers slide and how they turn: not these readers.
_READABLE = {name: BY_NAME[name] for name in ("llama", "phi3", "qwen2", "qwen3")}
_LONG_FACTORS, _SHORT_FACTORS = "rope_factors_long.weight", "rope_factors_short.weight"
_FACTORS = "rope_freqs.weight"
_OF_ROTARY = (_FACTORS, _LONG_FACTORS, _SHORT_FACTORS)


class GgufCheckpoint:
    """A ``Checkpoint`` in a GGUF file. Raises UnsupportedWeights, OSError.

    ``context_length`` is the longest to be served; by default the longest there is.
    """

    def __init__(self, path: Path, *, context_length: int | None = None) -> None:
        try:
            self._reader = gguf.GGUFReader(path)
        except ValueError as error:
            raise UnsupportedWeights(f"{path} is not a GGUF file: {error}") from error
        self._path = path
        self._tensors = {tensor.name: tensor for tensor in self._reader.tensors}
        self._context_length = context_length
        name = self.metadata("general.architecture")
        if name not in _READABLE:
            raise UnsupportedWeights(
                f"{path}: architecture {name!r} is not one of {', '.join(_READABLE)}, which can be "
                "read from GGUF files"
            )
        self._architecture = _READABLE[name]

    @cached_property
    def network(self) -> Network:
        heads, hidden_size = self._count("attention.head_count"), self._count("embedding_length")
        head_size = self._count("attention.key_length", hidden_size // heads)
        longest = self._count("context_length")
        served = min(self._context_length or longest, longest)
        window = self._count("attention.sliding_window", 0)
        layer = Layer(
            rotary=self._rotary(head_size, served), sliding_window=window if window < served else 0
        )
        return Network(
            architecture=self._architecture,
            layers=(layer,) * self._count("block_count"),
            hidden_size=hidden_size,
            heads=heads,
            key_value_heads=self._count("attention.head_count_kv"),
            head_size=head_size,
            feed_forward_size=self._count("feed_forward_length"),
            context_length=served,
            vocabulary_size=self.shapes[f"{EMBEDDING}.weight"][0],
            norm_epsilon=self._number("attention.layer_norm_rms_epsilon"),
            attention_scale=head_size**-0.5,
            tied_head=f"{HEAD}.weight" not in self._tensors,
        )

    @property
    def text_ends(self) -> TextEnds:
        return gguf_language.text_ends(self.metadata)

    @property
    def sampling_defaults(self) -> SamplingDefaults:
        return SamplingDefaults(temperature=0.0, top_p=1.0)

    @property
    def files(self) -> tuple[Path, ...]:
        return (self._path,)

    @property
    def licence(self) -> str | None:
        licence: str | None = self.metadata("general.license")
        return licence

    @cached_property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        return {
            name: tuple(int(size) for size in reversed(tensor.shape))
            for name, tensor in self._tensors.items()
            if name not in _OF_ROTARY
        }

    def tensor(self, name: str) -> Weight:
        values = self._stored(name)
        part = name.split(".")[-2]
        if not self._architecture.interleaved_in_gguf or part not in {"attn_q", "attn_k"}:
            return values
        heads = {"attn_q": self.network.heads, "attn_k": self.network.key_value_heads}
        return _deinterleaved(values, heads[part])

    def _stored(self, name: str) -> Weight:
        """A tensor as the file has it, dequantised. Raises UnsupportedWeights."""
        if name not in self._tensors:
            raise UnsupportedWeights(f"tensor {name} is missing")
        tensor = self._tensors[name]
        values = gguf.dequantize(tensor.data, tensor.tensor_type)
        return np.asarray(values, np.float32)

    def write_language(self, directory: Path) -> None:
        gguf_language.write_language(self.metadata, directory)

    def metadata(self, key: str, default: Any = None) -> Any:
        field = self._reader.get_field(key)
        return default if field is None else field.contents()

    def _rotary(self, head_size: int, context_length: int) -> Rotary:
        base = self._number("rope.freq_base", 10_000.0)
        dimensions = self._count("rope.dimension_count", head_size)
        if _LONG_FACTORS in self._tensors:  # of which the metadata need not tell
            original = self._count("rope.scaling.original_context_length")
            name = _LONG_FACTORS if context_length > original else _SHORT_FACTORS
            magnitude = self._number("rope.scaling.attn_factor", 1.0)
            return Rotary(base=base, factors=self._factors(name), magnitude=magnitude)
        match self._value("rope.scaling.type", "none"):
            case "linear":
                return rotary.linear(base, dimensions, self._number("rope.scaling.factor"))
            case "none" if _FACTORS in self._tensors:
                return Rotary(base=base, factors=self._factors(_FACTORS))
            case "none":
                return rotary.plain(base, dimensions)
            case other:
                raise UnsupportedWeights(f"rotary scaling {other!r} cannot be converted")

    def _factors(self, name: str) -> tuple[float, ...]:
        return tuple(self._stored(name).tolist())

    def _count(self, key: str, default: int | None = None) -> int:
        return int(self._number(key, default))

    def _number(self, key: str, default: float | None = None) -> float:
        value = self._value(key, default)
        if not isinstance(value, int | float):
            raise UnsupportedWeights(f"metadata {key} is {value!r}, and must be a number")
        return value

    def _value(self, key: str, default: Any) -> Any:
        name = f"{self._architecture.name}.{key}"
        value = self.metadata(name, default)
        if value is None:
            raise UnsupportedWeights(f"metadata {name} is missing")
        return value


def _deinterleaved(values: Weight, heads: int) -> Weight:
    """Puts each head's rotary halves apart, as adapters trained on the original have them."""
    rows, *rest = values.shape
    pairs = values.reshape(heads, rows // heads // 2, 2, *rest)
    return np.ascontiguousarray(pairs.swapaxes(1, 2).reshape(values.shape))
