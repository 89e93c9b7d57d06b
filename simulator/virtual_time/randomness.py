"""Chance, all of it from one seed, in separate streams.

Each concern draws from a stream of its own (schedule, latencies, uids, each user), so that one more
draw in one of them leaves the others as they were: that keeps a run alike while its plan shrinks.
"""

import random
from collections.abc import Callable
from uuid import UUID


class Randomness:
    def __init__(self, seed: int) -> None:
        self.seed = seed

    def stream(self, concern: str) -> random.Random:
        """The same stream at every call; text seeds go through SHA-512, not through ``hash``."""
        return random.Random(f"{self.seed}/{concern}")  # noqa: S311 - repeatable is the point

    def uuids(self, concern: str) -> Callable[[], str]:
        """A source of version 4 UUIDs."""
        stream = self.stream(concern)
        return lambda: str(UUID(int=stream.getrandbits(128), version=4))
