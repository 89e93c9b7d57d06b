"""What failed of that which a machine asked for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Setback:
    """An action that failed since the last look, in words."""

    action: str
    code: str
    message: str
