"""The instant of a condition: when its status last changed, as Kubernetes has it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from engine.nodes.claim import ClaimCondition
from engine.workspace import Condition

C = TypeVar("C", Condition, ClaimCondition)


def dated(found: Iterable[C], before: Iterable[C]) -> tuple[C, ...]:
    """``found``, where one whose status did not change keeps the instant it had before."""
    earlier = {condition.type: condition for condition in before}
    return tuple(_dated(condition, earlier.get(condition.type)) for condition in found)


def _dated(found: C, earlier: C | None) -> C:
    if earlier is None or earlier.status != found.status:
        return found
    return replace(found, since=earlier.since)
