"""A network's numbers from the ``config.json`` of transformers, whose meanings these are.

https://huggingface.co/docs/transformers; both ways to write a rotation are read, that of version 5
(``rope_parameters``) and the one before it (``rope_theta`` and ``rope_scaling``).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from . import rotary
from .architecture import BY_PUBLISHED_NAME, Activation, Architecture
from .checkpoint import UnsupportedWeights
from .network import Layer, Network, Rotary

Config = Mapping[str, Any]
_FULL, _SLIDING = "full_attention", "sliding_attention"
_ACTIVATIONS = {
    "silu": Activation.SILU,
    "gelu_pytorch_tanh": Activation.GELU_TANH,
    "gelu": Activation.GELU_TANH,  # so the first Gemma's configuration calls it
}
_BASE = 10_000.0  # of configurations that were written before there were others


def architecture_of(config: Config) -> Architecture:
    """Raises UnsupportedWeights where it is none that can be converted."""
    names = config.get("architectures") or ["none"]
    if names[0] not in BY_PUBLISHED_NAME:
        raise UnsupportedWeights(
            f"architecture {names[0]!r} is not one of {', '.join(BY_PUBLISHED_NAME)}"
        )
    if "quantization_config" in config:
        raise UnsupportedWeights("its weights are quantised: take those they were made of")
    return BY_PUBLISHED_NAME[names[0]]


def read_network(config: Config, *, has_head: bool, context_length: int | None) -> Network:
    """The network that ``config`` describes, for contexts of up to ``context_length`` tokens.

    ``has_head``: whether its weights have a head of their own. Raises UnsupportedWeights.
    """
    architecture = architecture_of(config)
    _check_activation(config, architecture)
    if config.get("use_bidirectional_attention"):
        raise UnsupportedWeights("its attention looks ahead, and it cannot write text")
    heads, hidden_size = _count(config, "num_attention_heads"), _count(config, "hidden_size")
    head_size = config.get("head_dim") or hidden_size // heads
    longest = _count(config, "max_position_embeddings")
    served = min(context_length or longest, longest)
    return Network(
        architecture=architecture,
        layers=tuple(_layers(config, head_size, served)),
        hidden_size=hidden_size,
        heads=heads,
        key_value_heads=config.get("num_key_value_heads") or heads,
        head_size=head_size,
        feed_forward_size=_count(config, "intermediate_size"),
        context_length=served,
        vocabulary_size=_count(config, "vocab_size"),
        norm_epsilon=_number(config, "rms_norm_eps"),
        attention_scale=(config.get("query_pre_attn_scalar") or head_size) ** -0.5,
        tied_head=bool(config.get("tie_word_embeddings", not has_head)),
        attention_soft_cap=float(config.get("attn_logit_softcapping") or 0),
        logit_soft_cap=float(config.get("final_logit_softcapping") or 0),
    )


def _check_activation(config: Config, architecture: Architecture) -> None:
    name = config.get("hidden_activation") or config.get("hidden_act", "silu")
    if _ACTIVATIONS.get(name) is not architecture.activation:
        raise UnsupportedWeights(
            f"activation {name!r} is not what {architecture.name} is known to have"
        )


def _layers(config: Config, head_size: int, context_length: int) -> list[Layer]:
    window = config.get("sliding_window") or 0
    windows = {_FULL: 0, _SLIDING: window if window < context_length else 0}
    kinds = _layer_kinds(config)
    if unknown := set(kinds) - windows.keys():
        raise UnsupportedWeights(f"layers of the kind {unknown.pop()!r} cannot be converted")
    rotaries = {kind: _rotary(config, kind, head_size, context_length) for kind in windows}
    return [Layer(rotary=rotaries[kind], sliding_window=windows[kind]) for kind in kinds]


def _layer_kinds(config: Config) -> Sequence[str]:
    """Which layers slide: as they are listed, or by the rule of their architecture."""
    if listed := config.get("layer_types"):
        return list(listed)
    layers = range(_count(config, "num_hidden_layers"))
    if every := config.get("sliding_window_pattern", architecture_of(config).full_layer_every):
        return [_SLIDING if (layer + 1) % every else _FULL for layer in layers]
    if not config.get("sliding_window") or not config.get("use_sliding_window", True):
        return [_FULL for _ in layers]
    first = config.get("max_window_layers", 0)
    return [_SLIDING if layer >= first else _FULL for layer in layers]


def _rotary(config: Config, kind: str, head_size: int, context_length: int) -> Rotary:
    scaling = _rotary_parameters(config, kind)
    base = float(scaling.get("rope_theta", _BASE))
    dimensions = int(head_size * scaling.get("partial_rotary_factor", 1.0))
    longest = _count(config, "max_position_embeddings")
    # Phi-3 has it beside the scaling, not in it.
    original = config.get("original_max_position_embeddings") or scaling.get(
        "original_max_position_embeddings", longest
    )
    match scaling.get("rope_type", scaling.get("type", "default")):
        case "default":
            return rotary.plain(base, dimensions)
        case "linear":
            return rotary.linear(base, dimensions, _number(scaling, "factor"))
        case "llama3":
            return rotary.llama3(
                base,
                dimensions,
                factor=_number(scaling, "factor"),
                low=_number(scaling, "low_freq_factor"),
                high=_number(scaling, "high_freq_factor"),
                original_context_length=original,
            )
        case "longrope" | "su":
            name = "long_factor" if context_length > original else "short_factor"
            stretch = scaling.get("factor") or longest / original
            return Rotary(
                base=base,
                factors=_factors(scaling, name, dimensions // 2),
                magnitude=scaling.get("attention_factor")
                or rotary.longrope_magnitude(stretch, original),
            )
        case other:
            raise UnsupportedWeights(f"rotary scaling {other!r} cannot be converted")


def _factors(scaling: Config, name: str, pairs: int) -> tuple[float, ...]:
    factors = tuple(scaling.get(name, ()))
    if len(factors) != pairs:
        raise UnsupportedWeights(f"{name} has {len(factors)} numbers for {pairs} frequencies")
    return factors


def _rotary_parameters(config: Config, kind: str) -> Config:
    """One dictionary, however it is written, for the layers of a ``kind``."""
    partial = {"partial_rotary_factor": config.get("partial_rotary_factor", 1.0)}
    if parameters := config.get("rope_parameters"):
        return {**partial, **parameters.get(kind, parameters)}
    sliding_base = config.get("rope_local_base_freq", architecture_of(config).sliding_rotary_base)
    if kind == _SLIDING and sliding_base:
        return {**partial, "rope_theta": sliding_base}
    scaling = config.get("rope_scaling") or {}
    return {**partial, "rope_theta": config.get("rope_theta", _BASE), **scaling}


def _count(config: Config, name: str) -> int:
    return int(_number(config, name))


def _number(config: Config, name: str) -> float:
    if not isinstance(value := config.get(name), int | float):
        raise UnsupportedWeights(f"config.json has no number {name}")
    return value
