"""What may not be asked for now, because Azure said so.

A call that is held is refused here as it would be there, without another request: asking on would
only be answered with a longer hold, and the engine knows how to wait.
"""

import asyncio

from engine.nodes.agent_pool import CloudError, CloudRefused

TOO_MANY_REQUESTS = 429
LONGEST_HOLD_SECONDS = 300.0
"""Azure that asks for more is asked again after this; its word is not worth a whole night."""
DEFAULT_HOLD_SECONDS = 5.0
"""For a refusal that names no time."""

SUBSCRIPTION = "subscription"


def put_of(pool: str) -> str:
    """The scope of one pool's PUTs, for which AKS has a bucket of its own."""
    return f"PUT {pool}"


class Holds:
    """By scope; the subscription's holds everything."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        """By the loop's clock."""

    def heed(self, scope: str) -> None:
        """Raises CloudRefused (429) where ``scope`` may not be asked for now."""
        now = asyncio.get_running_loop().time()
        until = max(self._until.get(scope, 0.0), self._until.get(SUBSCRIPTION, 0.0))
        if until > now:
            raise CloudRefused(
                CloudError(
                    status=TOO_MANY_REQUESTS,
                    code="Throttled",
                    message=f"held for {until - now:.0f} s more, as Azure asked for",
                    retry_after=until - now,
                )
            )

    def take(self, scope: str, error: CloudError) -> None:
        """AKS throttles the scope that was asked for, ARM all of the subscription."""
        if error.status != TOO_MANY_REQUESTS:
            return
        held = scope if error.code == "Throttled" else SUBSCRIPTION
        asked = DEFAULT_HOLD_SECONDS if error.retry_after is None else error.retry_after
        now = asyncio.get_running_loop().time()
        self._until = {key: until for key, until in self._until.items() if until > now}
        until = now + min(asked, LONGEST_HOLD_SECONDS)
        self._until[held] = max(self._until.get(held, 0.0), until)
