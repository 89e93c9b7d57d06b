"""Time as the simulated cluster sees it.

Timers come from the running event loop (``asyncio.sleep``, ``loop.call_later``), so they follow
whatever loop runs the cluster; dates come from a ``Clock``.
"""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def rfc3339(instant: datetime) -> str:
    """``instant`` as Kubernetes writes metav1.Time: UTC, whole seconds, ``Z``."""
    return instant.astimezone(UTC).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"
