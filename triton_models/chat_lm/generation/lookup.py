"""Guesses what comes next from what was said before: prompt lookup decoding (Saxena 2023).

A text often repeats itself: quotes of the prompt, code, lists. Where its last tokens were met
before, what followed them then is a good guess now, which the model can check in one pass.
"""

from collections.abc import Sequence

_KEY_TOKENS = 3
_MISSES = 2
_PAUSE_TOKENS = 16


class PromptLookup:
    """The drafts for one sequence. After misses in a row it keeps silent for a while."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self._tokens: list[int] = []
        self._ends: dict[tuple[int, ...], int] = {}
        self._misses = 0
        self._silent_until = 0
        for token in tokens:
            self.append(token)

    def append(self, token: int) -> None:
        # The last tokens' own key is noted only now that something follows them.
        if len(self._tokens) >= _KEY_TOKENS:
            self._ends[tuple(self._tokens[-_KEY_TOKENS:])] = len(self._tokens)
        self._tokens.append(token)

    def draft(self, most: int) -> list[int]:
        """Up to ``most`` tokens, at least one asked for, that may follow."""
        if len(self._tokens) < self._silent_until:
            return []
        start = self._ends.get(tuple(self._tokens[-_KEY_TOKENS:]))
        return [] if start is None else self._tokens[start : start + most]

    def judge(self, accepted: int) -> None:
        """Notes how many tokens of a draft were right."""
        self._misses = 0 if accepted else self._misses + 1
        if self._misses >= _MISSES:
            self._misses = 0
            self._silent_until = len(self._tokens) + _PAUSE_TOKENS
