"""How often callers may ask: AKS's token buckets (its page "Quotas, SKUs and regions")."""

import math
from dataclasses import dataclass
from datetime import datetime

from simulator.azure.failures import Refused, throttled
from simulator.clock import Clock


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many at once, and so many more per second."""

    burst: int
    per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowances:
    """``pool_writes`` are per pool, ``cluster_reads`` per cluster, the others per subscription."""

    pool_writes: Allowance = Allowance(20, 1 / 60)
    cluster_reads: Allowance = Allowance(60, 1.0)
    operation_reads: Allowance = Allowance(200, 2.0)
    all_else: Allowance = Allowance(60, 1.0)


_ROUNDING = 1e-6


class TokenBucket:
    """Full at first."""

    def __init__(self, allowance: Allowance, now: datetime) -> None:
        self._allowance = allowance
        self._tokens = float(allowance.burst)
        self._filled_at = now

    def take(self, now: datetime) -> float:
        """Takes a token and answers 0; or takes none, and answers in how many seconds to ask."""
        allowance = self._allowance
        gained = max(0.0, (now - self._filled_at).total_seconds()) * allowance.per_second
        self._tokens = min(float(allowance.burst), self._tokens + gained)
        self._filled_at = now
        if self._tokens > 1 - _ROUNDING:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / allowance.per_second


class Throttle:
    """The buckets live in memory: who restarts the simulated Azure finds them full."""

    def __init__(self, clock: Clock, subscription: str) -> None:
        self._clock = clock
        self._subscription = subscription
        self._buckets: dict[tuple[str, str], TokenBucket] = {}

    def admit(self, handler: str, subject: str, allowance: Allowance) -> None:
        """``subject`` is what the bucket belongs to; raises Refused 429 where it is empty."""
        now = self._clock.now()
        key = (handler, subject)
        bucket = self._buckets.get(key) or TokenBucket(allowance, now)
        self._buckets[key] = bucket
        wait = bucket.take(now)
        if wait > 0:
            raise Refused(throttled(handler, self._subscription, math.ceil(wait)))
