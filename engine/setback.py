"""What failed of that which a machine asked for."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Setback:
    """An action that failed since the last look, in words."""

    action: str
    code: str
    message: str


def with_setback(message: str, setbacks: Sequence[Setback]) -> str:
    """``message``, and after it what failed first since the last look."""
    if not setbacks:
        return message
    setback = setbacks[0]
    return f"{message}; last attempt to {setback.action} failed: {setback.message}"
