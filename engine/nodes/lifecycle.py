"""The node claim's lifecycle: one table."""

from engine.nodes import guards
from engine.nodes.claim import NodeClaim
from engine.nodes.observation import NodeObservation
from engine.nodes.phase import NodePhase
from engine.table import IllegalTransition, Row, Table, observed
from engine.trigger import Trigger

NodeTransition = Row[NodeClaim, NodeObservation, NodePhase]

_DELETION = (guards.deletion_requested, NodePhase.DRAINING)

TRANSITIONS: tuple[NodeTransition, ...] = (
    *observed(
        NodePhase.REQUESTED,
        _DELETION,
        (guards.flawed, NodePhase.FAILED),
        (guards.finalizer_held, NodePhase.LAUNCHING),
        (guards.deadline_passed, NodePhase.FAILED),
    ),
    *observed(
        NodePhase.LAUNCHING,
        _DELETION,
        (guards.launched, NodePhase.REGISTERING),
        (guards.launch_refused, NodePhase.FAILED),
        (guards.deadline_passed, NodePhase.FAILED),
    ),
    *observed(
        NodePhase.REGISTERING,
        _DELETION,
        (guards.instance_lost, NodePhase.FAILED),
        (guards.registered, NodePhase.INITIALIZING),
        (guards.deadline_passed, NodePhase.FAILED),
    ),
    *observed(
        NodePhase.INITIALIZING,
        _DELETION,
        (guards.instance_lost, NodePhase.FAILED),
        (guards.usable_for_a_while, NodePhase.READY),
        (guards.deadline_passed, NodePhase.FAILED),
    ),
    *observed(
        NodePhase.READY,
        _DELETION,
        (guards.instance_lost, NodePhase.FAILED),
        (guards.unusable, NodePhase.UNHEALTHY),
    ),
    *observed(
        NodePhase.UNHEALTHY,
        _DELETION,
        (guards.instance_lost, NodePhase.FAILED),
        (guards.usable_for_a_while, NodePhase.READY),
        (guards.deadline_passed, NodePhase.FAILED),
    ),
    *observed(NodePhase.FAILED, _DELETION),
    *observed(
        NodePhase.DRAINING,
        (guards.drained, NodePhase.TERMINATING),
        (guards.deadline_passed, NodePhase.TERMINATING),
    ),
    NodeTransition(Trigger.OBSERVE, NodePhase.TERMINATING, None, None),
)

_TABLE = Table(NodePhase, TRANSITIONS)


def next_phase(claim: NodeClaim, seen: NodeObservation) -> NodePhase:
    """Where the machine goes from here; raises IllegalTransition where no row says."""
    try:
        return _TABLE.next_phase(claim, claim.machine.phase, Trigger.OBSERVE, seen)
    except IllegalTransition as error:
        raise IllegalTransition(f"{claim.ref}: {error}") from error
