"""The node claim's lifecycle: one table."""

from collections.abc import Callable

from engine.nodes import guards
from engine.nodes.claim import NodeClaim
from engine.nodes.observation import NodeObservation
from engine.nodes.phase import NodePhase
from engine.table import IllegalTransition, Row, Table
from engine.trigger import Trigger

Guard = Callable[[NodeClaim, NodeObservation], bool]
NodeTransition = Row[NodeClaim, NodeObservation, NodePhase]


def _observed(source: NodePhase, *rows: tuple[Guard, NodePhase]) -> tuple[NodeTransition, ...]:
    moves = (NodeTransition(Trigger.OBSERVE, source, guard, to) for guard, to in rows)
    return (*moves, NodeTransition(Trigger.OBSERVE, source, None, None))


_DELETION = (guards.deletion_requested, NodePhase.DRAINING)

TRANSITIONS: tuple[NodeTransition, ...] = (
    *_observed(
        NodePhase.REQUESTED,
        _DELETION,
        (guards.flawed, NodePhase.FAILED),
        (guards.finalizer_held, NodePhase.LAUNCHING),
        (guards.deadline_passed, NodePhase.FAILED),
    ),
    *_observed(
        NodePhase.LAUNCHING,
        _DELETION,
        (guards.launched, NodePhase.REGISTERING),
        (guards.launch_refused, NodePhase.FAILED),
        (guards.deadline_passed, NodePhase.FAILED),
    ),
    *_observed(
        NodePhase.REGISTERING,
        _DELETION,
        (guards.instance_lost, NodePhase.FAILED),
        (guards.registered, NodePhase.INITIALIZING),
        (guards.deadline_passed, NodePhase.FAILED),
    ),
    *_observed(
        NodePhase.INITIALIZING,
        _DELETION,
        (guards.instance_lost, NodePhase.FAILED),
        (guards.usable_for_a_while, NodePhase.READY),
        (guards.deadline_passed, NodePhase.FAILED),
    ),
    *_observed(
        NodePhase.READY,
        _DELETION,
        (guards.instance_lost, NodePhase.FAILED),
        (guards.unusable, NodePhase.UNHEALTHY),
    ),
    *_observed(
        NodePhase.UNHEALTHY,
        _DELETION,
        (guards.instance_lost, NodePhase.FAILED),
        (guards.usable_for_a_while, NodePhase.READY),
        (guards.deadline_passed, NodePhase.FAILED),
    ),
    *_observed(NodePhase.FAILED, _DELETION),
    *_observed(
        NodePhase.DRAINING,
        (guards.drained, NodePhase.TERMINATING),
        (guards.deadline_passed, NodePhase.TERMINATING),
    ),
    *_observed(NodePhase.TERMINATING),
)

_TABLE = Table(NodePhase, TRANSITIONS)


def next_phase(claim: NodeClaim, seen: NodeObservation) -> NodePhase:
    """Where the machine goes from here; raises IllegalTransition where no row says."""
    try:
        return _TABLE.next_phase(claim, claim.machine.phase, Trigger.OBSERVE, seen)
    except IllegalTransition as error:
        raise IllegalTransition(f"{claim.ref}: {error}") from error
