"""Rotary position embeddings: the factors of their scalings, and their tables.

Rotation: https://arxiv.org/abs/2104.09864. Longrope: https://arxiv.org/abs/2402.13753. The scaling
of Llama 3 is described in its configuration's documentation in transformers (``rope_scaling``).
"""

import math

import numpy as np
from numpy.typing import NDArray

from .checkpoint import Weight
from .network import Rotary


def plain(base: float, dimensions: int) -> Rotary:
    return linear(base, dimensions, 1.0)


def linear(base: float, dimensions: int, factor: float) -> Rotary:
    """All positions lie ``factor`` times closer together."""
    return Rotary(base=base, factors=(factor,) * (dimensions // 2))


def llama3(
    base: float,
    dimensions: int,
    *,
    factor: float,
    low: float,
    high: float,
    original_context_length: int,
) -> Rotary:
    """Divides slow frequencies by ``factor``, leaves fast ones, and blends those between.

    A pair is slow that turns less than ``low`` times in the context the model was first trained
    on, and fast that turns more than ``high`` times.
    """
    frequencies = base ** (-np.arange(0, dimensions, 2, dtype=np.float64) / dimensions)
    turns = original_context_length * frequencies / (2 * math.pi)
    fast = np.clip((turns - low) / (high - low), 0, 1)
    factors = 1 / (fast + (1 - fast) / factor)
    return Rotary(base=base, factors=tuple(factors.tolist()))


def longrope_magnitude(stretch: float, original_context_length: int) -> float:
    """What sine and cosine are multiplied by, for a context ``stretch`` times the original one."""
    if stretch <= 1:
        return 1.0
    return math.sqrt(1 + math.log(stretch) / math.log(original_context_length))


def rotary_tables(rotary: Rotary, context_length: int) -> tuple[Weight, Weight]:
    """Cosines and sines, each [positions, pairs]."""
    pairs = len(rotary.factors)
    frequencies = rotary.base ** (-np.arange(pairs, dtype=np.float64) / pairs)
    positions = np.arange(context_length, dtype=np.float64)
    angles = np.outer(positions, frequencies / np.asarray(rotary.factors))
    return _scaled(np.cos(angles), rotary), _scaled(np.sin(angles), rotary)


def _scaled(values: NDArray[np.float64], rotary: Rotary) -> Weight:
    return (values * rotary.magnitude).astype(np.float32)
