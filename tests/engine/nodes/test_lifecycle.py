"""The node claim's table itself: complete, without dead rows, every phase reachable and left."""

from collections.abc import Iterable
from datetime import timedelta

import pytest

from engine.nodes.agent_pool import PoolState
from engine.nodes.deadlines import NODE_PATIENCE
from engine.nodes.duties import NODE_DUTIES
from engine.nodes.lifecycle import TRANSITIONS, NodeTransition, next_phase
from engine.nodes.phase import RESTING, NodePhase
from engine.nodes.standing import TELLERS
from engine.trigger import Trigger
from tests.engine.nodes.scenes import (
    claim,
    going,
    later,
    node,
    nothing,
    pool,
    refused,
    replace,
    working,
)
from tests.engine.scenes import NOW

P = NodePhase
LATE = {"hours": 1}
FIT = {"usable_since": NOW - timedelta(minutes=1)}
DRAINING = claim(P.DRAINING)
UNNAMED = replace(claim(P.REQUESTED).spec, instance_type="")
BUSY = working(nodes=(node(pods=1),))

TAKEN = {
    (P.REQUESTED, "deletion_requested"): (going(claim(P.REQUESTED)), nothing()),
    (P.REQUESTED, "flawed"): (claim(P.REQUESTED, UNNAMED), nothing()),
    (P.REQUESTED, "finalizer_held"): (
        replace(claim(P.REQUESTED), finalizer_held=True),
        nothing(),
    ),
    (P.REQUESTED, "deadline_passed"): (claim(P.REQUESTED), later(nothing(), **LATE)),
    (P.LAUNCHING, "deletion_requested"): (going(claim(P.LAUNCHING)), nothing()),
    (P.LAUNCHING, "launched"): (claim(P.LAUNCHING), working()),
    (P.LAUNCHING, "launch_refused"): (claim(P.LAUNCHING), refused(400, "QuotaExceeded")),
    (P.LAUNCHING, "deadline_passed"): (claim(P.LAUNCHING), later(nothing(), **LATE)),
    (P.REGISTERING, "deletion_requested"): (going(claim(P.REGISTERING)), working()),
    (P.REGISTERING, "instance_lost"): (claim(P.REGISTERING), nothing()),
    (P.REGISTERING, "registered"): (claim(P.REGISTERING), working()),
    (P.REGISTERING, "deadline_passed"): (
        claim(P.REGISTERING),
        later(nothing(pool=pool()), **LATE),
    ),
    (P.INITIALIZING, "deletion_requested"): (going(claim(P.INITIALIZING)), working()),
    (P.INITIALIZING, "instance_lost"): (claim(P.INITIALIZING), nothing()),
    (P.INITIALIZING, "usable_for_a_while"): (claim(P.INITIALIZING, **FIT), working()),
    (P.INITIALIZING, "deadline_passed"): (
        claim(P.INITIALIZING),
        later(nothing(pool=pool()), **LATE),
    ),
    (P.READY, "deletion_requested"): (going(claim(P.READY)), working()),
    (P.READY, "instance_lost"): (claim(P.READY), nothing()),
    (P.READY, "unusable"): (claim(P.READY), working(nodes=(node(ready=False),))),
    (P.UNHEALTHY, "deletion_requested"): (going(claim(P.UNHEALTHY)), working()),
    (P.UNHEALTHY, "instance_lost"): (
        claim(P.UNHEALTHY),
        working(pool=pool(PoolState.DELETING)),
    ),
    (P.UNHEALTHY, "usable_for_a_while"): (claim(P.UNHEALTHY, **FIT), working()),
    (P.UNHEALTHY, "deadline_passed"): (claim(P.UNHEALTHY), later(nothing(pool=pool()), **LATE)),
    (P.FAILED, "deletion_requested"): (going(claim(P.FAILED)), nothing()),
    (P.DRAINING, "drained"): (DRAINING, working()),
    (P.DRAINING, "deadline_passed"): (DRAINING, later(BUSY, **LATE)),
}
"""For each row that moves, a scene in which it is the one taken."""


def rows(source: NodePhase) -> list[NodeTransition]:
    return [row for row in TRANSITIONS if row.source is source]


def guard_of(row: NodeTransition) -> str:
    return "" if row.guard is None else row.guard.__name__


def reached(start: NodePhase) -> set[NodePhase]:
    found, frontier = {start}, [start]
    while frontier:
        here = frontier.pop()
        onward = {row.destination for row in rows(here) if row.destination}
        frontier += onward - found
        found |= onward
    return found


def test_every_phase_is_reached_from_requested():
    assert reached(P.REQUESTED) == set(P)


@pytest.mark.parametrize("phase", P)
def test_every_phase_comes_to_its_end(phase):
    assert P.TERMINATING in reached(phase)


@pytest.mark.parametrize("phase", [p for p in P if p not in (P.DRAINING, P.TERMINATING)])
def test_a_deletion_goes_before_all_else(phase):
    assert rows(phase)[0].destination is P.DRAINING
    assert guard_of(rows(phase)[0]) == "deletion_requested"


@pytest.mark.parametrize("phase", P)
def test_every_phase_can_be_observed_and_stay(phase):
    assert rows(phase)[-1] == NodeTransition(Trigger.OBSERVE, phase, None, None)


@pytest.mark.parametrize("phase", P)
def test_no_unguarded_row_hides_another(phase):
    assert all(row.guard is not None for row in rows(phase)[:-1])


def test_every_row_has_its_scene():
    assert set(TAKEN) == {(row.source, guard_of(row)) for row in TRANSITIONS if row.guard}


@pytest.mark.parametrize("row", [row for row in TRANSITIONS if row.guard is not None])
def test_every_row_is_taken_where_it_should_be(row):
    of, seen = TAKEN[row.source, guard_of(row)]
    first = next(r for r in rows(row.source) if r.guard is None or r.guard(of, seen))
    assert first is row
    assert next_phase(of, seen) is row.destination


@pytest.mark.parametrize("phase", P)
def test_every_phase_rests_or_has_a_deadline(phase):
    assert (phase in RESTING) != (phase in NODE_PATIENCE)


@pytest.mark.parametrize("phase", [p for p in NODE_PATIENCE if p is not P.TERMINATING])
def test_every_phase_that_waits_is_left_at_its_deadline(phase):
    assert "deadline_passed" in {guard_of(row) for row in rows(phase)}


@pytest.mark.parametrize("table", [NODE_DUTIES, TELLERS])
def test_every_phase_has_duties_and_words(table: Iterable[NodePhase]):
    assert set(table) == set(P)
