"""The architectures that can be converted, as data: where they differ, and nothing else.

Tensors have the names that GGUF gives them (ggml repository, docs/gguf.md); a linear's parts also
have the names that PEFT knows them by, which are those of transformers' modules.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType


class Activation(Enum):
    """What a feed-forward network's gate goes through."""

    SILU = auto()
    GELU_TANH = auto()


@dataclass(frozen=True, slots=True)
class Part:
    """One stored linear of a block: the name of its tensor, and PEFT's name of it."""

    tensor: str
    target: str


Linears = Mapping[str, tuple[Part, ...]]

_SEPARATE: Linears = MappingProxyType(
    {
        "attn_qkv": (
            *(Part("attn_q", "q_proj"), Part("attn_k", "k_proj"), Part("attn_v", "v_proj")),
        ),
        "attn_output": (Part("attn_output", "o_proj"),),
        "ffn_gate_up": (Part("ffn_gate", "gate_proj"), Part("ffn_up", "up_proj")),
        "ffn_down": (Part("ffn_down", "down_proj"),),
    }
)
_FUSED: Linears = MappingProxyType(
    {
        **_SEPARATE,
        "attn_qkv": (Part("attn_qkv", "qkv_proj"),),
        "ffn_gate_up": (Part("ffn_up", "gate_up_proj"),),
    }
)
_BEFORE = ("attn_norm", "ffn_norm")
_AFTER = ("post_attention_norm", "post_ffw_norm")
_OF_HEADS = ("attn_q_norm", "attn_k_norm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """One architecture.

    ``linears`` are those of a block by their names in the graph, each of one or more stored ones.
    ``norms`` are a block's. Gemma publishes what its norms' weights add to 1: ``norm_offset`` is
    that 1 (GGUF has it added already). GGUF interleaves the rotary halves of Llama's heads, and of
    no other's. Where configurations do not say otherwise, each ``full_layer_every``-th layer looks
    back on all tokens while the others slide (0: there is no such pattern), and those that slide
    turn by ``sliding_rotary_base`` (0: as the others do).
    """

    name: str
    published_as: tuple[str, ...]
    linears: Linears
    norms: tuple[str, ...] = _BEFORE
    norm_offset: float = 0.0
    activation: Activation = Activation.SILU
    interleaved_in_gguf: bool = False
    scales_embeddings: bool = False
    full_layer_every: int = 0
    sliding_rotary_base: float = 0.0


_ALL = (
    Architecture(
        name="llama",
        published_as=("LlamaForCausalLM", "MistralForCausalLM"),
        linears=_SEPARATE,
        interleaved_in_gguf=True,
    ),
    Architecture(name="phi3", published_as=("Phi3ForCausalLM",), linears=_FUSED),
    Architecture(name="qwen2", published_as=("Qwen2ForCausalLM",), linears=_SEPARATE),
    Architecture(
        name="qwen3",
        published_as=("Qwen3ForCausalLM",),
        linears=_SEPARATE,
        norms=(*_BEFORE, *_OF_HEADS),
    ),
    Architecture(
        name="gemma",
        published_as=("GemmaForCausalLM",),
        linears=_SEPARATE,
        norm_offset=1.0,
        activation=Activation.GELU_TANH,
        scales_embeddings=True,
    ),
    Architecture(
        name="gemma2",
        published_as=("Gemma2ForCausalLM",),
        full_layer_every=2,
        linears=_SEPARATE,
        norms=(*_BEFORE, *_AFTER),
        norm_offset=1.0,
        activation=Activation.GELU_TANH,
        scales_embeddings=True,
    ),
    Architecture(
        name="gemma3",
        published_as=("Gemma3ForCausalLM",),
        full_layer_every=6,
        sliding_rotary_base=10_000.0,
        linears=_SEPARATE,
        norms=(*_BEFORE, *_AFTER, *_OF_HEADS),
        norm_offset=1.0,
        activation=Activation.GELU_TANH,
        scales_embeddings=True,
    ),
)

BY_NAME: Mapping[str, Architecture] = MappingProxyType({one.name: one for one in _ALL})
BY_PUBLISHED_NAME: Mapping[str, Architecture] = MappingProxyType(
    {name: one for one in _ALL for name in one.published_as}
)
