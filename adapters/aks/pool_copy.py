"""A live copy of all pools of a cluster, by one LIST at intervals.

AKS has no watch, and one bucket for all reads of a subscription: however many claims wait, they
cost one request, not one each. A list may be stale for seconds, so what is missing from the copy
is not thereby gone: ask for it by name before anything depends on it.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from engine.errors import Unreachable
from engine.nodes.agent_pool import AgentPool, AgentPools, CloudError, CloudRefused, PoolState

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 120.0

LAG_SECONDS = 60.0
"""So long a list may be behind what Azure has told of a pool by its name."""

_RESTING = frozenset({PoolState.SUCCEEDED, PoolState.FAILED})
_TRANSIENT = frozenset({408, 409, 429})
_SERVER_ERRORS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ListIntervals:
    """Seconds between two lists: while any pool is under way, while all rest, and after own writes.

    The last is also the least: half of what AKS's bucket refills (1/s) is left for other calls.
    """

    moving: float = 30.0
    resting: float = 120.0
    least: float = 2.0


@dataclass(frozen=True, slots=True)
class _Put:
    at: float
    """By the loop's clock."""
    before: AgentPool | None
    """What was held until then: a list that tells it again lags."""


class PoolCopy:
    """``as_of`` is when the list that it shows began, by the loop's clock; None before the first.

    ``failure`` is why the last list failed, None where it did not.
    """

    def __init__(
        self,
        pools: AgentPools,
        *,
        on_change: Callable[[str], None],
        intervals: ListIntervals | None = None,
    ) -> None:
        """``on_change`` is told the name of every pool that came, changed or went."""
        self.as_of: float | None = None
        self.failure: CloudRefused | Unreachable | None = None
        self._pools = pools
        self._on_change = on_change
        self._intervals = intervals or ListIntervals()
        self._held: dict[str, AgentPool] = {}
        self._put: dict[str, _Put] = {}
        self._heard = asyncio.Event()
        self._wanted = asyncio.Event()
        self._pause = FIRST_PAUSE_SECONDS

    async def heard(self) -> None:
        """Waits for the first answer, be it a refusal: ``failure`` has that."""
        await self._heard.wait()

    def get(self, name: str) -> AgentPool | None:
        return self._held.get(name)

    def put(self, pool: AgentPool) -> None:
        """What Azure has just answered of one pool.

        No list that is under way outdoes it; none that lags makes it disappear, or as it was.
        """
        before = self._held.get(pool.name)
        if before == pool and pool.name in self._put:
            before = self._put[pool.name].before
        self._held[pool.name] = pool
        self._put[pool.name] = _Put(asyncio.get_running_loop().time(), before)
        self._on_change(pool.name)

    def soon(self) -> None:
        """Asks for a list that begins after now, as one does after a write of one's own."""
        self._wanted.set()

    async def run(self) -> None:
        """Never returns. The pause between failures doubles to a limit."""
        while True:
            self._wanted.clear()
            began = asyncio.get_running_loop().time()
            try:
                pools = await self._pools.list()
            except (CloudRefused, Unreachable) as error:
                await self._after(error)
            else:
                self._take(pools, began)
                await self._rest(began)

    def _take(self, pools: Sequence[AgentPool], began: float) -> None:
        self._put = {n: put for n, put in self._put.items() if put.at + LAG_SECONDS > began}
        fresh = {pool.name: pool for pool in pools}
        for name, put in self._put.items():
            held = self._held.get(name)
            if held is not None and (put.at > began or _lags(held, put.before, fresh)):
                fresh[name] = held
        names = self._held.keys() | fresh.keys()
        changed = [name for name in sorted(names) if self._held.get(name) != fresh.get(name)]
        self._held = fresh
        self.as_of, self.failure = began, None
        self._pause = FIRST_PAUSE_SECONDS
        self._heard.set()
        for name in changed:
            self._on_change(name)

    async def _rest(self, began: float) -> None:
        rest = all(pool.state in _RESTING for pool in self._held.values())
        try:
            async with asyncio.timeout(self._intervals.resting if rest else self._intervals.moving):
                await self._wanted.wait()
        except TimeoutError:
            return
        passed = asyncio.get_running_loop().time() - began
        await asyncio.sleep(max(0.0, self._intervals.least - passed))

    async def _after(self, error: CloudRefused | Unreachable) -> None:
        self.failure = error
        self._heard.set()
        pause = self._pause_after(error)
        log.warning("agent pools: %s; listing again in %.0f s", error, pause)
        await asyncio.sleep(pause)

    def _pause_after(self, error: CloudRefused | Unreachable) -> float:
        """What only an operator can mend, such as a missing cluster, is asked for slowly."""
        if isinstance(error, CloudRefused) and not _transient(error.error):
            return LONGEST_PAUSE_SECONDS
        pause, self._pause = self._pause, min(LONGEST_PAUSE_SECONDS, self._pause * 2)
        asked = error.error.retry_after if isinstance(error, CloudRefused) else None
        return max(pause, asked or 0.0)


def _transient(error: CloudError) -> bool:
    return error.status in _TRANSIENT or error.status >= _SERVER_ERRORS


def _lags(pool: AgentPool, before: AgentPool | None, listed: Mapping[str, AgentPool]) -> bool:
    """Whether the list is of a time before ``pool`` became what it is: it changes with its etag.

    One that was going and is not listed may be gone.
    """
    if pool.name in listed:
        return listed[pool.name] == before
    return pool.state is not PoolState.DELETING
