"""How long each phase may wait, and what it means when it waited in vain: the third table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from engine.phase import Phase
from engine.presets import find_preset
from engine.reason import Reason
from engine.workspace import Workspace

R = TypeVar("R", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience(Generic[R]):
    """``limit`` bounds the wait; ``exhausted`` names its end, ``remedy`` tells what to do then."""

    limit: timedelta
    exhausted: R
    remedy: str


_RETRY = "`moorage retry` tries again with new nodes"

PATIENCE: Mapping[Phase, Patience[Reason]] = {
    Phase.PENDING: Patience(
        limit=timedelta(minutes=5),
        exhausted=Reason.PENDING_DEADLINE,
        remedy="check that Moorage may update workspaces (RBAC), then `moorage retry`",
    ),
    Phase.PLANNING: Patience(
        limit=timedelta(minutes=1), exhausted=Reason.SPEC_INVALID, remedy=_RETRY
    ),
    Phase.PROVISIONING: Patience(
        limit=timedelta(minutes=30),
        exhausted=Reason.PROVISIONING_DEADLINE,
        remedy="check quota and capacity of the instance type, or use another; " + _RETRY,
    ),
    Phase.DEPLOYING: Patience(
        limit=timedelta(minutes=30),
        exhausted=Reason.DEPLOYING_DEADLINE,
        remedy="look at the pod's events (`kubectl describe pod`); " + _RETRY,
    ),
    Phase.LOADING: Patience(
        limit=timedelta(minutes=30),
        exhausted=Reason.LOADING_DEADLINE,
        remedy="look at Triton's log (`kubectl logs NAME-0 -c triton`); " + _RETRY,
    ),
    Phase.DEGRADED: Patience(
        limit=timedelta(minutes=60),
        exhausted=Reason.DEGRADED_DEADLINE,
        remedy="look at the pod's events and log; " + _RETRY,
    ),
    Phase.UPDATING: Patience(
        limit=timedelta(minutes=60), exhausted=Reason.UPDATING_DEADLINE, remedy=_RETRY
    ),
    Phase.DELETING: Patience(
        limit=timedelta(minutes=30),
        exhausted=Reason.DELETION_OVERDUE,
        remedy="look for finalizers on what is left; nothing is given up until it is gone",
    ),
}

LOADING_BASE = timedelta(minutes=15)
LOADING_PER_GIB = timedelta(seconds=18)
LOADING_BOUNDS = (timedelta(minutes=30), timedelta(minutes=180))

LOOK_AGAIN = timedelta(seconds=60)
"""Changes wake a machine at once; this is for the change that was never heard of."""


def deadline(workspace: Workspace, phase: Phase, now: datetime) -> datetime | None:
    """When ``phase``, entered now, stops waiting; None for the phases that rest."""
    patience = PATIENCE.get(phase)
    if patience is None:
        return None
    return now + (_loading_limit(workspace) if phase is Phase.LOADING else patience.limit)


def wake_at(workspace: Workspace, now: datetime) -> datetime:
    """When the machine wants to look again, if nothing wakes it before."""
    look_again = now + LOOK_AGAIN
    limit = workspace.machine.deadline
    return look_again if limit is None or limit <= now else min(look_again, limit)


def _loading_limit(workspace: Workspace) -> timedelta:
    """KAITO's readiness timeout: 15 min + 18 s a GiB of weights, within 30 to 180 min."""
    plan = workspace.machine.plan
    preset = find_preset(plan.preset) if plan is not None else None
    weights = preset.weights_gib if preset is not None else 0.0
    low, high = LOADING_BOUNDS
    return min(high, max(low, LOADING_BASE + weights * LOADING_PER_GIB))
