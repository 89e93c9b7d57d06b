"""Status conditions: set one and keep the instant of its last transition."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from simulator.clock import rfc3339
from simulator.kubernetes.objects import Objects
from simulator.kubernetes.status import Object


def find_condition(obj: Object, type_: str) -> Object | None:
    for condition in obj.get("status", {}).get("conditions", ()):
        if condition["type"] == type_:
            return dict(condition)
    return None


def is_true(obj: Object, type_: str) -> bool:
    condition = find_condition(obj, type_)
    return condition is not None and condition["status"] == "True"


def condition(type_: str, status: str, reason: str, message: str = "") -> Object:
    return {"type": type_, "status": status, "reason": reason, "message": message}


def with_conditions(
    present: Sequence[Object], changed: Iterable[Object], now: datetime
) -> list[Object]:
    """``present`` with the conditions in ``changed`` replaced or added."""
    merged = {item["type"]: item for item in present}
    for item in changed:
        before = merged.get(item["type"])
        moved = before is None or before["status"] != item["status"]
        since = rfc3339(now) if moved or before is None else before.get("lastTransitionTime")
        merged[item["type"]] = {**(before or {}), **item, "lastTransitionTime": since}
    return list(merged.values())


def instant(timestamp: str) -> datetime:
    """Reads metav1.Time and metav1.MicroTime."""
    return datetime.fromisoformat(timestamp).astimezone(UTC)


def seconds_left(since: str, duration: float, now: datetime) -> float:
    """Seconds from ``now`` until ``duration`` has passed since ``since``; negative when past."""
    return (instant(since) + timedelta(seconds=duration) - now).total_seconds()


def save_status(objects: Objects, obj: Object, status: Object) -> Object:
    """Writes ``status`` where it differs, so that an idle controller does not wake itself."""
    if obj.get("status", {}) == status:
        return obj
    return objects.update_status({**obj, "status": status})
