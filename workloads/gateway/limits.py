"""How much of anything one client, and all of them together, may ask for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """``connections`` may be open at once, and ``requests`` be at work.

    A request has ``arrival_seconds`` to be there, head and body; the body ``body_seconds`` after
    the head. A client that reads nothing of its answer is left after ``stall_seconds``. The model
    has places for a few dozen requests, so that a few hundred are plenty.
    """

    header_bytes: int = 16 << 10
    body_bytes: int = 1 << 20  # far above what a context holds
    arrival_seconds: float = 45.0
    body_seconds: float = 30.0
    stall_seconds: float = 60.0
    requests: int = 256
    connections: int = 512
