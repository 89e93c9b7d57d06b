"""One network of an architecture: its numbers, and the tensors that it must have."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from triton_models.chat_lm.generation.manifest import LinearPart

from .architecture import Architecture

EMBEDDING, HEAD, LAST_NORM = "token_embd", "output", "output_norm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotary:
    """How positions turn the first values of each head, pair by pair.

    Pair ``i`` turns by ``base ** (-i / pairs) / factors[i]`` a position; there are as many pairs as
    factors. ``magnitude`` multiplies sine and cosine.
    """

    base: float
    factors: tuple[float, ...]
    magnitude: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What may differ from layer to layer.

    A token looks back on ``sliding_window`` tokens, itself included; 0: on all.
    """

    rotary: Rotary
    sliding_window: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The numbers that shape a decoder. A soft cap of 0 is none."""

    architecture: Architecture
    layers: tuple[Layer, ...]
    hidden_size: int
    heads: int
    key_value_heads: int
    head_size: int
    feed_forward_size: int
    context_length: int
    vocabulary_size: int
    norm_epsilon: float
    attention_scale: float
    tied_head: bool
    attention_soft_cap: float = 0.0
    logit_soft_cap: float = 0.0

    @property
    def attention_sizes(self) -> tuple[int, int, int]:
        """How many values query, key and value have, all heads together."""
        key_value_size = self.key_value_heads * self.head_size
        return self.heads * self.head_size, key_value_size, key_value_size

    @property
    def linears(self) -> Mapping[str, tuple[LinearPart, ...]]:
        """The parts of each linear of a block, by its name in the graph."""
        return {
            name: tuple(
                LinearPart(target=part.target, inputs=inputs, outputs=outputs)
                for part in parts
                for outputs, inputs in [self._linear_shapes[part.tensor]]
            )
            for name, parts in self.architecture.linears.items()
        }

    @property
    def tensors(self) -> Mapping[str, tuple[int, ...]]:
        """The shape of each weight, by its name; a linear's is (outputs, inputs)."""
        vocabulary = (self.vocabulary_size, self.hidden_size)
        head = {} if self.tied_head else {f"{HEAD}.weight": vocabulary}
        return {
            f"{EMBEDDING}.weight": vocabulary,
            f"{LAST_NORM}.weight": (self.hidden_size,),
            **head,
            **{
                f"blk.{layer}.{name}.weight": shape
                for layer in range(len(self.layers))
                for name, shape in self._block()
            },
        }

    @property
    def biases(self) -> Mapping[str, tuple[int, ...]]:
        """The shape of each bias that a linear may have, by its name."""
        return {
            f"blk.{layer}.{part.tensor}.bias": self._linear_shapes[part.tensor][:1]
            for layer in range(len(self.layers))
            for parts in self.architecture.linears.values()
            for part in parts
        }

    def _block(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        for name in self.architecture.norms:
            of_heads = name in {"attn_q_norm", "attn_k_norm"}
            yield name, (self.head_size if of_heads else self.hidden_size,)
        for parts in self.architecture.linears.values():
            for part in parts:
                yield part.tensor, self._linear_shapes[part.tensor]

    @property
    def _linear_shapes(self) -> Mapping[str, tuple[int, int]]:
        hidden, feed_forward = self.hidden_size, self.feed_forward_size
        query, key, value = self.attention_sizes
        ups = 1 if "ffn_gate" in self._stored else 2
        return {
            "attn_q": (query, hidden),
            "attn_k": (key, hidden),
            "attn_v": (value, hidden),
            "attn_qkv": (query + key + value, hidden),
            "attn_output": (hidden, query),
            "ffn_gate": (feed_forward, hidden),
            "ffn_up": (ups * feed_forward, hidden),
            "ffn_down": (hidden, feed_forward),
        }

    @property
    def _stored(self) -> set[str]:
        parts = self.architecture.linears.values()
        return {part.tensor for linear in parts for part in linear}
