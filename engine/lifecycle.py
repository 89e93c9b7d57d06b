"""The workspace's lifecycle: one table.

Everything that decides which phase comes next is a row here; what a phase does is in ``duties``,
how long it may wait in ``deadlines``. The diagram in the documentation is drawn from this table.
"""

from engine import guards
from engine.observation import Observation
from engine.phase import Phase
from engine.table import IllegalTransition, Row, Table, observed
from engine.trigger import Trigger
from engine.workspace import Workspace

Transition = Row[Workspace, Observation, Phase]

_DELETION = (guards.deletion_requested, Phase.DELETING)

TRANSITIONS: tuple[Transition, ...] = (
    *observed(
        Phase.PENDING,
        _DELETION,
        (guards.finalizer_held, Phase.PLANNING),
        (guards.deadline_passed, Phase.FAILED),
    ),
    *observed(
        Phase.PLANNING,
        _DELETION,
        (guards.plan_refused, Phase.FAILED),
        (guards.plan_possible, Phase.PROVISIONING),
    ),
    *observed(
        Phase.PROVISIONING,
        _DELETION,
        (guards.spec_changed, Phase.PLANNING),
        (guards.nodes_ready, Phase.DEPLOYING),
        (guards.offering_refused, Phase.PLANNING),
        (guards.claim_refused, Phase.FAILED),
        (guards.deadline_passed, Phase.FAILED),
    ),
    *observed(
        Phase.DEPLOYING,
        _DELETION,
        (guards.spec_changed, Phase.PLANNING),
        (guards.replicas_started, Phase.LOADING),
        (guards.replica_hopeless, Phase.FAILED),
        (guards.deadline_passed, Phase.FAILED),
    ),
    *observed(
        Phase.LOADING,
        _DELETION,
        (guards.spec_changed, Phase.PLANNING),
        (guards.serving, Phase.READY),
        (guards.replica_hopeless, Phase.FAILED),
        (guards.deadline_passed, Phase.FAILED),
    ),
    *observed(
        Phase.READY,
        _DELETION,
        (guards.update_possible, Phase.UPDATING),
        (guards.not_serving, Phase.DEGRADED),
    ),
    *observed(
        Phase.DEGRADED,
        _DELETION,
        (guards.update_possible, Phase.UPDATING),
        (guards.serving, Phase.READY),
        (guards.deadline_passed, Phase.FAILED),
    ),
    *observed(
        Phase.UPDATING,
        _DELETION,
        (guards.update_possible, Phase.PLANNING),
        (guards.serving, Phase.READY),
        (guards.replica_hopeless, Phase.FAILED),
        (guards.deadline_passed, Phase.FAILED),
    ),
    *observed(Phase.FAILED, _DELETION, (guards.spec_changed, Phase.PLANNING)),
    Transition(Trigger.OBSERVE, Phase.DELETING, None, None),
    Transition(Trigger.RETRY, Phase.FAILED, guards.deletion_requested, Phase.DELETING),
    Transition(Trigger.RETRY, Phase.FAILED, None, Phase.PLANNING),
)


_TABLE = Table(Phase, TRANSITIONS)


def next_phase(workspace: Workspace, trigger: Trigger, observation: Observation) -> Phase:
    """Where the machine goes from here; raises IllegalTransition where no row says."""
    try:
        return _TABLE.next_phase(workspace, workspace.machine.phase, trigger, observation)
    except IllegalTransition as error:
        raise IllegalTransition(f"workspace {workspace.ref}: {error}") from error


def legal(trigger: Trigger, phase: Phase) -> bool:
    """Whether the table has a row for it; commands are refused where it has none."""
    return _TABLE.legal(trigger, phase)
