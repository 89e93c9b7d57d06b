"""Keeps keys and values of prompts' beginnings, for prompts to come that begin alike.

System prompts and the earlier turns of a chat are such beginnings. They are kept in blocks of
equally many tokens, each known by all tokens up to its end, as vLLM's automatic prefix caching
does. Blocks come from prompts only: an answer's keys and values, computed a token at a time, differ
from a prompt's in their last bits, and a request's text must not depend on what was asked before.
"""

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

Block = NDArray[np.generic]
_Name = tuple[Hashable, bytes]


@dataclass(slots=True)
class PrefixCache:
    """At most ``most_bytes`` of blocks of ``block_tokens`` tokens; the least recently used goes."""

    block_tokens: int
    most_bytes: int
    _blocks: OrderedDict[_Name, Block] = field(default_factory=OrderedDict)
    _bytes: int = 0

    def find(self, namespace: Hashable, tokens: Sequence[int]) -> list[Block]:
        """The kept blocks that ``tokens`` begins with, in order.

        Keys and values depend on adapters too: ``namespace`` tells them apart.
        """
        found: list[_Name] = []
        for name in self._names(namespace, tokens):
            if name not in self._blocks:
                break
            found.append(name)
        for name in reversed(found):  # a beginning outlives what follows it
            self._blocks.move_to_end(name)
        return [self._blocks[name] for name in found]

    def missing(self, namespace: Hashable, tokens: Sequence[int]) -> list[int]:
        """The places of the blocks of ``tokens`` that are not kept, the last first."""
        if not self.most_bytes:
            return []
        names = enumerate(self._names(namespace, tokens))
        return [place for place, name in names if name not in self._blocks][::-1]

    def keep(self, namespace: Hashable, tokens: Sequence[int], place: int, block: Block) -> None:
        name = list(self._names(namespace, tokens[: (place + 1) * self.block_tokens]))[-1]
        self._blocks[name] = block
        self._bytes += block.nbytes
        while self._bytes > self.most_bytes:
            _, dropped = self._blocks.popitem(last=False)
            self._bytes -= dropped.nbytes

    def _names(self, namespace: Hashable, tokens: Sequence[int]) -> Iterator[_Name]:
        digest = sha256()
        for end in range(self.block_tokens, len(tokens) + 1, self.block_tokens):
            digest.update(np.asarray(tokens[end - self.block_tokens : end], np.int64).tobytes())
            yield namespace, digest.digest()
