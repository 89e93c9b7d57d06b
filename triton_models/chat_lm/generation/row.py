"""One request that is being served, from its first token on."""

from dataclasses import dataclass, field

import numpy as np

from .adapters import Selection
from .lookup import PromptLookup
from .request import Chunk, FinishReason, GenerationRequest, Outlet, TokenLikelihood
from .sampling import Logits, choose, likelihood
from .text import GrowingText


@dataclass(slots=True, kw_only=True, eq=False)
class Row:
    """``tokens`` are the prompt's and the answer's so far."""

    request: GenerationRequest
    outlet: Outlet
    text: GrowingText
    adapters: Selection
    end_tokens: frozenset[int]
    max_tokens: int
    tokens: list[int] = field(init=False)
    _random: np.random.Generator = field(init=False)
    _lookup: PromptLookup | None = None
    """Made when a draft is first asked for."""
    _seen: set[int] = field(init=False)
    _untold: list[TokenLikelihood] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tokens = list(self.request.prompt)
        self._random = np.random.default_rng(self.request.sampling.seed)
        self._seen = set(self.tokens)

    @property
    def last_token(self) -> int:
        return self.tokens[-1]

    @property
    def completion_tokens(self) -> int:
        return len(self.tokens) - len(self.request.prompt)

    def draft(self, most: int) -> list[int]:
        """A guess at what comes next, none of it beyond the answer's longest length."""
        most = min(most, self.max_tokens - self.completion_tokens - 1)
        if most <= 0:
            return []
        self._lookup = self._lookup or PromptLookup(self.tokens)
        return self._lookup.draft(most)

    def judge(self, accepted: int) -> None:
        """Notes how many tokens of the latest draft were right."""
        if self._lookup is not None:
            self._lookup.judge(accepted)

    def advance(self, logits: Logits) -> bool:
        """Gives the answer its next token; whether it goes on."""
        token = choose(logits, self.request.sampling, self._random, seen=self._seen)
        self.tokens.append(token)
        if self._lookup is not None:
            self._lookup.append(token)
        self._seen.add(token)
        if self.request.logprobs is not None:
            self._untold.append(likelihood(logits, token, self.request.logprobs))
        ended = token in self.end_tokens
        text = "" if ended else self.text.push(token)
        reason = self._finish_reason(ended=ended)
        if reason is not None:
            text += self.text.flush()
        if text or reason is not None:
            self._emit(text, reason)
        return reason is None

    def _finish_reason(self, *, ended: bool) -> FinishReason | None:
        if ended or self.text.stopped:
            return FinishReason.STOP
        if self.completion_tokens >= self.max_tokens:
            return FinishReason.LENGTH
        return None

    def _emit(self, text: str, reason: FinishReason | None) -> None:
        chunk = Chunk(
            text=text,
            prompt_tokens=len(self.request.prompt),
            completion_tokens=self.completion_tokens,
            likelihoods=tuple(self._untold),
            finish_reason=reason,
        )
        self._untold.clear()
        self.outlet.emit(chunk)
