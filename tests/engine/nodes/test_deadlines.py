"""How long a node claim's phases wait, and when it looks again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from engine.deadlines import LOOK_AGAIN, PATIENCE
from engine.nodes.deadlines import NODE_PATIENCE, node_deadline, node_wake_at
from engine.nodes.guards import STABLE
from engine.nodes.phase import RESTING, NodePhase
from engine.nodes.reason import TERMINAL
from engine.phase import Phase
from tests.engine.nodes.scenes import claim
from tests.engine.scenes import NOW

KEPT = frozenset({NodePhase.DRAINING, NodePhase.TERMINATING})
"""They go on past their deadline, since what they wait for costs money."""


@pytest.mark.parametrize("phase", RESTING)
def test_a_resting_phase_has_no_deadline(phase):
    assert node_deadline(phase, NOW) is None


@pytest.mark.parametrize("phase", sorted(NODE_PATIENCE.keys() - KEPT))
def test_waiting_in_vain_ends_for_good_with_something_to_do_about_it(phase):
    assert NODE_PATIENCE[phase].exhausted in TERMINAL
    assert NODE_PATIENCE[phase].remedy


def test_a_machine_looks_again_at_its_deadline_at_the_latest():
    state = claim(NodePhase.LAUNCHING).machine
    soon = NOW + timedelta(seconds=3)
    assert node_wake_at(replace(state, deadline=soon), NOW) == soon
    assert node_wake_at(state, NOW) == NOW + LOOK_AGAIN


def test_a_deadline_that_has_passed_wakes_nobody():
    overdue = claim(NodePhase.TERMINATING).machine
    now = NOW + timedelta(hours=5)
    assert node_wake_at(overdue, now) == now + LOOK_AGAIN


def test_a_machine_looks_again_when_its_node_has_been_fit_for_a_while():
    state = replace(claim(NodePhase.INITIALIZING).machine, usable_since=NOW)
    assert node_wake_at(state, NOW) == NOW + STABLE
    assert node_wake_at(state, NOW + STABLE) == NOW + STABLE + LOOK_AGAIN


def test_all_that_leads_to_ready_takes_less_time_than_a_workspace_waits_for_its_nodes():
    """So that a workspace hears why its node did not come, and not only that it did not."""
    way = (
        NodePhase.REQUESTED,
        NodePhase.LAUNCHING,
        NodePhase.REGISTERING,
        NodePhase.INITIALIZING,
    )
    longest = sum((NODE_PATIENCE[phase].limit for phase in way), timedelta())
    assert longest < PATIENCE[Phase.PROVISIONING].limit
