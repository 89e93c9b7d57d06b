"""Chooses the next token from the model's logits."""

import numpy as np
from numpy.typing import NDArray

from .request import Sampling

Logits = NDArray[np.float32]


def choose(logits: Logits, sampling: Sampling, random: np.random.Generator) -> int:
    """The next token's id; ``random`` is left untouched where the choice is greedy."""
    if sampling.temperature == 0:
        return int(np.argmax(logits))
    order = _most_likely_first(logits, sampling.top_k)
    scaled = logits[order].astype(np.float64) / sampling.temperature
    weights = np.exp(scaled - scaled[0])
    cumulated = np.cumsum(weights)
    kept = _nucleus(cumulated, sampling.top_p)
    point = random.random() * cumulated[kept - 1]
    place = int(np.searchsorted(cumulated[:kept], point, side="right"))
    return int(order[min(place, kept - 1)])


def _most_likely_first(logits: Logits, top_k: int) -> NDArray[np.intp]:
    """Token ids by falling logit; equal logits by rising id, so that runs repeat exactly."""
    if 0 < top_k < len(logits):
        threshold = np.partition(logits, -top_k)[-top_k]
        candidates = np.flatnonzero(logits >= threshold)
        order = candidates[np.argsort(-logits[candidates], kind="stable")]
        return order[:top_k]
    return np.argsort(-logits, kind="stable")


def _nucleus(cumulated: NDArray[np.float64], top_p: float) -> int:
    """How many of the most likely tokens together reach probability ``top_p``; at least one."""
    if top_p >= 1:
        return len(cumulated)
    reached = int(np.searchsorted(cumulated, top_p * cumulated[-1], side="left"))
    return min(reached + 1, len(cumulated))
