"""How often one agent pool may be asked for.

AKS takes 20 PUTs of a pool at once and then one a minute (``docs/agent-pools.md``). Two processes
of Moorage may be asking at a time, an old one and its successor, so each takes less than half.
"""

import asyncio
from dataclasses import dataclass, replace

from engine.errors import Unreachable
from engine.nodes.agent_pool import CloudRefused

AT_ONCE = 8
SECONDS_EACH = 120.0
"""After so long one more may be sent."""

Failure = CloudRefused | Unreachable


@dataclass(frozen=True, slots=True)
class _Asked:
    paid_until: float
    """By the loop's clock: when all that was sent will have been made up for."""
    failure: Failure | None = None


class Pace:
    """By pool. What would be asked for too soon fails as it did the last time."""

    def __init__(self) -> None:
        self._asked: dict[str, _Asked] = {}

    def spend(self, pool: str) -> None:
        """Raises the last CloudRefused or Unreachable anew where it is too soon for another."""
        now = asyncio.get_running_loop().time()
        self._asked = {name: each for name, each in self._asked.items() if each.paid_until > now}
        asked = self._asked.get(pool, _Asked(now))
        too_soon = asked.paid_until - now > (AT_ONCE - 1) * SECONDS_EACH
        if too_soon and asked.failure is not None:
            raise asked.failure.with_traceback(None)  # each raising would add to the last one's
        self._asked[pool] = replace(asked, paid_until=asked.paid_until + SECONDS_EACH)

    def failed(self, pool: str, failure: Failure) -> None:
        """A request that took longer than it had to be paid for is forgotten by now."""
        if pool in self._asked:
            self._asked[pool] = replace(self._asked[pool], failure=failure)
