"""Ages as kubectl prints them (apimachinery's duration.HumanDuration)."""

from datetime import datetime

_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400
_LETTER = {1: "s", _MINUTE: "m", _HOUR: "h", _DAY: "d", _YEAR: "y"}
_UNITS: tuple[tuple[int, int, int | None], ...] = (
    (2 * _MINUTE, 1, None),
    (10 * _MINUTE, _MINUTE, 1),
    (3 * _HOUR, _MINUTE, None),
    (8 * _HOUR, _HOUR, _MINUTE),
    (2 * _DAY, _HOUR, None),
    (8 * _DAY, _DAY, _HOUR),
    (2 * _YEAR, _DAY, None),
    (8 * _YEAR, _YEAR, _DAY),
)
"""Ages below the first number are written in the second unit, and the third where there is one."""


def parse_time(text: object) -> datetime | None:
    """An RFC 3339 instant, whatever its offset; None where ``text`` is none."""
    if not isinstance(text, str):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def age(since: object, now: datetime) -> str:
    """The time from an RFC 3339 timestamp to ``now``."""
    start = parse_time(since)
    return "<unknown>" if start is None else human(int((now - start).total_seconds()))


def human(seconds: int) -> str:
    """``seconds`` in one or two units, the coarser the longer."""
    if seconds < -1:
        return "<invalid>"
    seconds = max(0, seconds)
    for below, big, small in _UNITS:
        if seconds < below:
            return _written(seconds, big, small)
    return _written(seconds, _YEAR, None)


def _written(seconds: int, big: int, small: int | None) -> str:
    rest = seconds % big // small if small is not None else 0
    return f"{seconds // big}{_LETTER[big]}" + (f"{rest}{_LETTER[small or 1]}" if rest else "")
