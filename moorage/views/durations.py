"""Spans of time as people read them at a glance: two units, largest first."""

from datetime import datetime, timedelta

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def short(span: timedelta) -> str:
    """``3m12s``, ``2h5m``, ``45s``; what is negative counts as nothing."""
    rest = max(0, int(span.total_seconds()))
    parts: list[str] = []
    for unit, seconds in _UNITS:
        count, rest = divmod(rest, seconds)
        if count or (unit == "s" and not parts):
            parts.append(f"{count}{unit}")
    return "".join(parts[:2])


def countdown(deadline: datetime, now: datetime) -> str:
    """``in 19m48s``, or how long ago it passed."""
    if deadline < now:
        return f"{short(now - deadline)} overdue"
    return f"in {short(deadline - now)}"
