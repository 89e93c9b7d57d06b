"""Presets: named models, and what must be known of each to size and serve it.

Sources: weights, token limits and KV bytes per token from KAITO's
``presets/workspace/models/model_catalog.yaml`` (which carries the models' published configs);
SmolLM2 from its published config (30 layers, 3 KV heads of 64, fp32 keys and values).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class WeightsSource(StrEnum):
    """Where a preset's weights come from."""

    PACKAGE = "package"
    HUGGING_FACE = "hugging-face"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One model.

    ``weights_gib`` is the size of the weights as served, ``kv_bytes_per_token`` what one token of
    context takes in the KV cache, ``token_limit`` the longest context in tokens.
    """

    name: str
    model_id: str
    architecture: str
    weights_gib: float
    token_limit: int
    kv_bytes_per_token: int
    license: str
    weights_source: WeightsSource = WeightsSource.HUGGING_FACE
    needs_gpu: bool = True
    tunable: bool = False

    @property
    def disk_gib(self) -> int:
        """Weights and 80 GiB for image and scratch, as KAITO asks of the node's disk."""
        return int(self.weights_gib + 80)


def _phi3(name: str, model_id: str, weights_gib: float, limit: int, kv_bytes: int) -> Preset:
    return Preset(
        name=name,
        model_id=model_id,
        architecture="Phi3ForCausalLM",
        weights_gib=weights_gib,
        token_limit=limit,
        kv_bytes_per_token=kv_bytes,
        license="MIT",
        tunable=True,
    )


_ALL = (
    Preset(
        name="smollm2-135m-instruct",
        model_id="HuggingFaceTB/SmolLM2-135M-Instruct",
        architecture="LlamaForCausalLM",
        weights_gib=0.51,
        token_limit=8192,
        kv_bytes_per_token=46080,
        license="Apache-2.0",
        weights_source=WeightsSource.PACKAGE,
        needs_gpu=False,
    ),
    _phi3("phi-3-mini-4k-instruct", "microsoft/Phi-3-mini-4k-instruct", 7.12, 4096, 393216),
    _phi3("phi-3-mini-128k-instruct", "microsoft/Phi-3-mini-128k-instruct", 7.12, 131072, 393216),
    _phi3("phi-3-medium-4k-instruct", "microsoft/Phi-3-medium-4k-instruct", 26.0, 4096, 204800),
    _phi3(
        "phi-3-medium-128k-instruct", "microsoft/Phi-3-medium-128k-instruct", 26.0, 131072, 204800
    ),
    _phi3("phi-3.5-mini-instruct", "microsoft/Phi-3.5-mini-instruct", 7.12, 131072, 393216),
    _phi3("phi-4", "microsoft/phi-4", 27.31, 16384, 204800),
    _phi3("phi-4-mini-instruct", "microsoft/Phi-4-mini-instruct", 7.15, 131072, 131072),
    Preset(
        name="mistral-7b-instruct",
        model_id="mistralai/Mistral-7B-Instruct-v0.3",
        architecture="MistralForCausalLM",
        weights_gib=13.5,
        token_limit=32768,
        kv_bytes_per_token=131072,
        license="Apache-2.0",
    ),
    Preset(
        name="llama-3.1-8b-instruct",
        model_id="meta-llama/Llama-3.1-8B-Instruct",
        architecture="LlamaForCausalLM",
        weights_gib=14.96,
        token_limit=131072,
        kv_bytes_per_token=131072,
        license="Llama-3.1-Community",
    ),
    Preset(
        name="llama-3.3-70b-instruct",
        model_id="meta-llama/Llama-3.3-70B-Instruct",
        architecture="LlamaForCausalLM",
        weights_gib=131.42,
        token_limit=131072,
        kv_bytes_per_token=327680,
        license="Llama-3.3-Community",
    ),
    Preset(
        name="qwen2.5-coder-7b-instruct",
        model_id="Qwen/Qwen2.5-Coder-7B-Instruct",
        architecture="Qwen2ForCausalLM",
        weights_gib=14.19,
        token_limit=32768,
        kv_bytes_per_token=57344,
        license="Apache-2.0",
        tunable=True,
    ),
)

PRESETS: Mapping[str, Preset] = MappingProxyType({preset.name: preset for preset in _ALL})


def find_preset(name: str) -> Preset | None:
    """The preset of that name; KAITO compares names without regard to case, so do we."""
    return PRESETS.get(name.lower())
