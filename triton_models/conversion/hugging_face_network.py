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
_LOCAL_BASE = 10_000.0  # of Gemma 3's sliding layers, where its configuration has no other


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
    heads, hidden_size = _number(config, "num_attention_heads"), _number(config, "hidden_size")
    head_size = config.get("head_dim") or hidden_size // heads
    longest = _number(config, "max_position_embeddings")
    served = min(context_length or longest, longest)
    return Network(
        architecture=architecture,
        layers=tuple(_layers(config, head_size, served)),
        hidden_size=hidden_size,
        heads=heads,
        key_value_heads=config.get("num_key_value_heads") or heads,
        head_size=head_size,
        feed_forward_size=_number(config, "intermediate_size"),
        context_length=served,
        vocabulary_size=_number(config, "vocab_size"),
        norm_epsilon=float(config.get("rms_norm_eps", 1e-6)),
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
    layers = range(_number(config, "num_hidden_layers"))
    match architecture_of(config).name:
        case "gemma2" | "gemma3" as name:
            every = config.get("sliding_window_pattern", {"gemma2": 2, "gemma3": 6}[name])
            return [_SLIDING if (layer + 1) % every else _FULL for layer in layers]
        case "qwen2" | "qwen3":
            sliding = layers[config.get("max_window_layers", 0) :]
            slides = config.get("use_sliding_window", False)
            return [_SLIDING if slides and layer in sliding else _FULL for layer in layers]
        case _:
            return [_SLIDING if config.get("sliding_window") else _FULL for _ in layers]


def _rotary(config: Config, kind: str, head_size: int, context_length: int) -> Rotary:
    scaling = _rotary_parameters(config, kind)
    base = float(scaling.get("rope_theta", 10_000.0))
    dimensions = int(head_size * scaling.get("partial_rotary_factor", 1.0))
    longest = config["max_position_embeddings"]
    # Phi-3 has it beside the scaling, not in it.
    original = config.get("original_max_position_embeddings") or scaling.get(
        "original_max_position_embeddings", longest
    )
    match scaling.get("rope_type", scaling.get("type", "default")):
        case "default":
            return rotary.plain(base, dimensions)
        case "linear":
            return rotary.linear(base, dimensions, float(scaling["factor"]))
        case "llama3":
            return rotary.llama3(
                base,
                dimensions,
                factor=float(scaling["factor"]),
                low=float(scaling["low_freq_factor"]),
                high=float(scaling["high_freq_factor"]),
                original_context_length=original,
            )
        case "longrope" | "su":
            factors = scaling["long_factor" if context_length > original else "short_factor"]
            stretch = scaling.get("factor") or longest / original
            magnitude = scaling.get("attention_factor")
            if magnitude is None:
                magnitude = rotary.longrope_magnitude(stretch, original)
            return Rotary(base=base, factors=tuple(factors), magnitude=magnitude)
        case other:
            raise UnsupportedWeights(f"rotary scaling {other!r} cannot be converted")


def _rotary_parameters(config: Config, kind: str) -> Config:
    """One dictionary, however it is written, for the layers of a ``kind``."""
    if parameters := config.get("rope_parameters"):
        of_kind: Config = parameters.get(kind, parameters)
        return {"partial_rotary_factor": config.get("partial_rotary_factor", 1.0), **of_kind}
    plain = {
        "rope_theta": config.get("rope_theta", 10_000.0),
        "partial_rotary_factor": config.get("partial_rotary_factor", 1.0),
    }
    if kind == _SLIDING and architecture_of(config).name == "gemma3":
        return {**plain, "rope_theta": config.get("rope_local_base_freq", _LOCAL_BASE)}
    return {**plain, **(config.get("rope_scaling") or {})}


def _number(config: Config, name: str) -> int:
    if not isinstance(value := config.get(name), int):
        raise UnsupportedWeights(f"config.json has no number {name}")
    return value
