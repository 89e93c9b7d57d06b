"""Chooses the next token from the model's logits."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from .request import Likelihood, Sampling, TokenLikelihood

Logits = NDArray[np.float32]


def choose(
    logits: Logits, sampling: Sampling, random: np.random.Generator, *, seen: Collection[int] = ()
) -> int:
    """The next token's id. Greedy choices leave ``random`` untouched, others draw from it once.

    ``seen`` are the tokens that the repetition penalty is for.
    """
    if sampling.repetition_penalty != 1:
        logits = _penalised(logits, sampling.repetition_penalty, seen)
    if sampling.temperature == 0:
        return int(np.argmax(logits))
    order = _most_likely_first(logits, sampling.top_k)
    scaled = logits[order].astype(np.float64) / sampling.temperature
    weights = np.exp(scaled - scaled[0])
    weights = weights[: _at_least(weights, sampling.min_p)]
    cumulated = np.cumsum(weights)
    kept = _nucleus(cumulated, sampling.top_p)
    point = random.random() * cumulated[kept - 1]
    place = int(np.searchsorted(cumulated[:kept], point, side="right"))
    return int(order[min(place, kept - 1)])


def likelihood(logits: Logits, token: int, alternatives: int) -> TokenLikelihood:
    """How likely ``token`` was, and the ``alternatives`` likeliest tokens with it."""
    values = logits.astype(np.float64)
    highest = values.max()
    logprobs = values - (highest + np.log(np.exp(values - highest).sum()))
    likeliest = _most_likely_first(logits, alternatives) if alternatives else ()
    return TokenLikelihood(
        chosen=Likelihood(token=token, logprob=float(logprobs[token])),
        likeliest=tuple(
            Likelihood(token=int(other), logprob=float(logprobs[other])) for other in likeliest
        ),
    )


def _penalised(logits: Logits, penalty: float, seen: Collection[int]) -> Logits:
    tokens = np.fromiter(seen, np.intp, len(seen))
    values = logits[tokens]
    changed = logits.copy()
    changed[tokens] = np.where(values > 0, values / penalty, values * penalty)
    return changed


def _most_likely_first(logits: Logits, top_k: int) -> NDArray[np.intp]:
    """Token ids by falling logit; equal logits by rising id, so that runs repeat exactly."""
    if 0 < top_k < len(logits):
        threshold = np.partition(logits, -top_k)[-top_k]
        candidates = np.flatnonzero(logits >= threshold)
        order = candidates[np.argsort(-logits[candidates], kind="stable")]
        return order[:top_k]
    return np.argsort(-logits, kind="stable")


def _at_least(weights: NDArray[np.float64], min_p: float) -> int:
    """How many of the falling ``weights`` reach that share of the first; at least one."""
    return int(np.count_nonzero(weights >= min_p * weights[0]))


def _nucleus(cumulated: NDArray[np.float64], top_p: float) -> int:
    """How many of the most likely tokens together reach probability ``top_p``; at least one."""
    if top_p >= 1:
        return len(cumulated)
    reached = int(np.searchsorted(cumulated, top_p * cumulated[-1], side="left"))
    return min(reached + 1, len(cumulated))
