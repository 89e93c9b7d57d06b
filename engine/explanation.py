"""Why a workspace is where it is, from its stored state alone."""

from dataclasses import dataclass
from datetime import datetime

from engine.phase import Phase
from engine.reason import Reason
from engine.workspace import Condition, Passage, Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """``deadline`` is None and ``waiting_for`` "" where the workspace rests."""

    phase: Phase
    since: datetime
    deadline: datetime | None
    waiting_for: str
    reason: Reason
    message: str
    remedy: str
    history: tuple[Passage, ...]
    overdue: bool
    conditions: tuple[Condition, ...]


def explain(workspace: Workspace, now: datetime) -> Explanation:
    """Where the workspace stands, since when, what it waits for, until when, and what to do."""
    state = workspace.machine
    return Explanation(
        phase=state.phase,
        since=state.since,
        deadline=state.deadline,
        waiting_for=state.waiting_for,
        reason=state.reason,
        message=state.message or "accepted; no engine has looked at it yet",
        remedy=state.remedy,
        history=state.history,
        overdue=state.deadline is not None and now > state.deadline,
        conditions=state.conditions,
    )
