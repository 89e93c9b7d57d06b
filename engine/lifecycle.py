"""The workspace's lifecycle: one table.

Everything that decides which phase comes next is a row here; what a phase does is in ``duties``,
how long it may wait in ``deadlines``. Rows of one phase are tried from the top, and the first
whose guard says yes is taken; a phase's last ``observe`` row keeps it where it is.

The table feeds one ``transitions.Machine`` without models or callbacks; triggers are called on a
throw-away cursor. So a step costs microseconds, and a machine's state is a value that can be
stored. The diagram in the documentation is drawn from the same table.
"""

import logging
from collections.abc import Callable
from typing import NamedTuple

from transitions import Machine, MachineError

from engine import guards
from engine.observation import Observation
from engine.phase import Phase
from engine.trigger import Trigger
from engine.workspace import Workspace

logging.getLogger("transitions").setLevel(logging.WARNING)

Guard = Callable[[Workspace, Observation], bool]


class Transition(NamedTuple):
    """``destination`` None keeps the machine where it is."""

    trigger: Trigger
    source: Phase
    guard: Guard | None
    destination: Phase | None


class IllegalTransition(Exception):
    """No row for this trigger in this phase: a defect of the table, not of the world."""


def _observed(source: Phase, *rows: tuple[Guard, Phase]) -> tuple[Transition, ...]:
    moves = (Transition(Trigger.OBSERVE, source, guard, to) for guard, to in rows)
    return (*moves, Transition(Trigger.OBSERVE, source, None, None))


_DELETION = (guards.deletion_requested, Phase.DELETING)

TRANSITIONS: tuple[Transition, ...] = (
    *_observed(
        Phase.PENDING,
        _DELETION,
        (guards.finalizer_held, Phase.PLANNING),
        (guards.deadline_passed, Phase.FAILED),
    ),
    *_observed(
        Phase.PLANNING,
        _DELETION,
        (guards.plan_refused, Phase.FAILED),
        (guards.plan_possible, Phase.PROVISIONING),
    ),
    *_observed(
        Phase.PROVISIONING,
        _DELETION,
        (guards.spec_changed, Phase.PLANNING),
        (guards.nodes_ready, Phase.DEPLOYING),
        (guards.claim_refused, Phase.FAILED),
        (guards.deadline_passed, Phase.FAILED),
    ),
    *_observed(
        Phase.DEPLOYING,
        _DELETION,
        (guards.spec_changed, Phase.PLANNING),
        (guards.replicas_started, Phase.LOADING),
        (guards.replica_hopeless, Phase.FAILED),
        (guards.deadline_passed, Phase.FAILED),
    ),
    *_observed(
        Phase.LOADING,
        _DELETION,
        (guards.spec_changed, Phase.PLANNING),
        (guards.serving, Phase.READY),
        (guards.replica_hopeless, Phase.FAILED),
        (guards.deadline_passed, Phase.FAILED),
    ),
    *_observed(
        Phase.READY,
        _DELETION,
        (guards.update_possible, Phase.UPDATING),
        (guards.not_serving, Phase.DEGRADED),
    ),
    *_observed(
        Phase.DEGRADED,
        _DELETION,
        (guards.update_possible, Phase.UPDATING),
        (guards.serving, Phase.READY),
        (guards.deadline_passed, Phase.FAILED),
    ),
    *_observed(
        Phase.UPDATING,
        _DELETION,
        (guards.update_possible, Phase.PLANNING),
        (guards.serving, Phase.READY),
        (guards.replica_hopeless, Phase.FAILED),
        (guards.deadline_passed, Phase.FAILED),
    ),
    *_observed(Phase.FAILED, _DELETION, (guards.spec_changed, Phase.PLANNING)),
    *_observed(Phase.DELETING),
    Transition(Trigger.RETRY, Phase.FAILED, guards.deletion_requested, Phase.DELETING),
    Transition(Trigger.RETRY, Phase.FAILED, None, Phase.PLANNING),
)


class _Cursor:
    """What ``transitions`` moves: it exists for one step."""

    def __init__(self, state: Phase) -> None:
        self.state = state


def _machine() -> Machine:
    machine = Machine(model=None, states=Phase, initial=Phase.PENDING, auto_transitions=False)
    for row in TRANSITIONS:
        machine.add_transition(
            row.trigger.value,
            row.source,
            row.destination,
            conditions=[] if row.guard is None else [row.guard],
        )
    return machine


_MACHINE = _machine()


def next_phase(workspace: Workspace, trigger: Trigger, observation: Observation) -> Phase:
    """Where the machine goes from here; raises IllegalTransition where no row says."""
    cursor = _Cursor(workspace.machine.phase)
    try:
        _MACHINE.events[trigger.value].trigger(cursor, workspace, observation)
    except MachineError as error:
        raise IllegalTransition(
            f"workspace {workspace.ref}: no row for {trigger} in {workspace.machine.phase}"
        ) from error
    return cursor.state


def legal(trigger: Trigger, phase: Phase) -> bool:
    """Whether the table has a row for it; commands are refused where it has none."""
    return any(row.trigger is trigger and row.source is phase for row in TRANSITIONS)
