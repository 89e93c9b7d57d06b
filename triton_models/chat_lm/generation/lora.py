"""Reads a LoRA adapter as the PEFT library writes it: ``adapter_config.json`` and its weights.

Low-Rank Adaptation (Hu et al. 2021): a linear layer's weight W gets B·A added, times alpha/rank
(alpha over the rank's root for rsLoRA, Kalajdzievski 2023). The factor is put into B here, so that
a request's strength is all that is left to multiply with.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .safetensors_file import SafetensorsFile, UnreadableTensors

CONFIG_NAME = "adapter_config.json"
WEIGHTS_NAME = "adapter_model.safetensors"
_TENSOR = re.compile(r"\.layers\.(\d+)\.(?:self_attn|mlp)\.(\w+)\.lora_([AB])\.weight$")

Matrix = NDArray[np.float32]


class UnusableAdapter(Exception):
    """An adapter that this model cannot apply; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LowRank:
    """``down`` is [inputs, rank], ``up`` [rank, outputs], scaled."""

    down: Matrix
    up: Matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """What is added to each linear layer, by its number and PEFT's name for the linear."""

    rank: int
    linears: Mapping[tuple[int, str], LowRank]


def read_lora(directory: Path) -> Lora:
    """The adapter in a folder. Raises UnusableAdapter, whose message names the folder."""
    try:
        config = json.loads((directory / CONFIG_NAME).read_text(encoding="utf-8"))
        return _lora(SafetensorsFile(directory / WEIGHTS_NAME), config)
    except OSError as error:
        raise UnusableAdapter(
            f"{directory.name} cannot be read: {error.strerror}; an adapter is a folder with "
            f"{CONFIG_NAME} and {WEIGHTS_NAME}, as PEFT saves it"
        ) from error
    except (UnreadableTensors, ValueError, KeyError, UnusableAdapter) as error:
        raise UnusableAdapter(f"{directory.name} cannot be used: {error}") from error


def _lora(weights: SafetensorsFile, config: Mapping[str, Any]) -> Lora:
    _check(config)
    halves: dict[tuple[int, str], dict[str, Matrix]] = {}
    for name in weights.shapes:
        met = _TENSOR.search(name)
        if met is None:
            raise UnusableAdapter(f"it changes {name}, where only linear layers can be changed")
        key = int(met[1]), met[2]
        halves.setdefault(key, {})[met[3]] = weights.tensor(name)
    if not halves:
        raise UnusableAdapter("it has no weights")
    linears = {key: _low_rank(key, parts, config) for key, parts in halves.items()}
    rank = max(len(linear.up) for linear in linears.values())
    return Lora(rank=rank, linears=linears)


def _check(config: Mapping[str, Any]) -> None:
    """Refuses what would have to be applied in another way. Raises UnusableAdapter."""
    if config.get("peft_type") != "LORA":
        raise UnusableAdapter(f"it is of the kind {config.get('peft_type')!r}, not LORA")
    for setting in ("use_dora", "modules_to_save", "alpha_pattern", "fan_in_fan_out"):
        if config.get(setting):
            raise UnusableAdapter(f"{setting} is not supported")
    if config.get("bias", "none") != "none":
        raise UnusableAdapter("it changes biases, which is not supported")


def _low_rank(
    key: tuple[int, str], parts: Mapping[str, Matrix], config: Mapping[str, Any]
) -> LowRank:
    if parts.keys() != {"A", "B"} or parts["A"].shape[0] != parts["B"].shape[1]:
        raise UnusableAdapter(f"the matrices of layer {key[0]}, {key[1]}, do not fit one another")
    rank = parts["A"].shape[0]
    divisor = rank**0.5 if config.get("use_rslora") else rank
    scale = np.float32(config["lora_alpha"] / divisor)
    return LowRank(
        down=np.ascontiguousarray(parts["A"].T), up=np.ascontiguousarray(parts["B"].T) * scale
    )
