"""N1 to N7, each with the lie that it exists for."""

import json
from datetime import timedelta
from typing import Any

from engine.nodes.claim import FINALIZER
from simulator.virtual_time.clock import EPOCH
from tests.simulator.checkers.story import CLUSTER, ENGINE, USER, Story

NAME = "ws123456789"


def claim(phase: str = "Launching", **state: Any) -> dict[str, Any]:
    memory = json.dumps({"phase": phase, **state})
    return {
        "kind": "NodeClaim",
        "metadata": {
            "name": NAME,
            "uid": "claim-1",
            "finalizers": [FINALIZER],
            "annotations": {"moorage.sh/node-claim-state": memory},
        },
    }


def pool(name: str = NAME, state: str = "Creating") -> dict[str, Any]:
    return {
        "kind": "AgentPool",
        "metadata": {"name": name, "uid": f"pool-{name}"},
        "owner": "claim-1",
        "state": state,
        "properties": {},
    }


def told(story: Story) -> set[str]:
    """What does not hold of node claims; their workspaces are not in these stories."""
    return {one for one in story.found() if one.startswith("N")}


def test_an_honest_claim_breaks_nothing() -> None:
    story = Story()
    story.put(ENGINE, claim("Requested", deadline="2026-01-01T00:02:00Z"))
    story.put(ENGINE, claim("Launching", deadline="2026-01-01T00:14:00Z"))
    story.put(ENGINE, pool())
    story.later(240).put(CLUSTER, pool(state="Succeeded"))
    for phase in ("Registering", "Initializing", "Ready"):
        story.put(ENGINE, claim(phase))
    for phase in ("Draining", "Terminating"):
        story.put(ENGINE, claim(phase))
    story.put(ENGINE, pool(state="Deleting"))
    story.later(200).remove(CLUSTER, pool())
    story.remove(ENGINE, claim("Terminating"))
    assert told(story) == set()


def test_n1_a_claim_that_goes_before_its_pool() -> None:
    story = Story()
    story.put(ENGINE, claim())
    story.put(ENGINE, pool())
    story.remove(ENGINE, claim())
    story.later(60).remove(CLUSTER, pool())
    assert told(story) == {"N1"}


def test_n1_a_stranger_who_strips_the_finalizer_is_not_ours() -> None:
    story = Story()
    story.put(ENGINE, claim())
    story.put(ENGINE, pool())
    story.remove(USER, claim())
    story.later(600).remove(CLUSTER, pool())
    assert told(story) == set()


def test_n2_a_second_pool_for_one_claim() -> None:
    story = Story()
    story.put(ENGINE, claim("Ready"))
    story.put(ENGINE, pool())
    story.put(ENGINE, pool("ws987654321"))
    assert told(story) == {"N2"}


def test_n3_a_pool_that_nobody_owns_at_the_end() -> None:
    story = Story()
    story.put(ENGINE, pool())
    assert told(story) == {"N3"}


def test_n4_a_way_that_the_table_has_not() -> None:
    story = Story()
    story.put(ENGINE, claim("Launching", deadline="2026-01-01T00:14:00Z"))
    story.put(ENGINE, claim("Ready"))
    assert told(story) == {"N4"}


def test_n5_a_claim_that_waits_on_past_its_deadline() -> None:
    story = Story()
    limit = (EPOCH + timedelta(seconds=840)).isoformat()
    story.put(ENGINE, claim("Launching", deadline=limit))
    story.later(3600).put(ENGINE, pool())
    assert told(story) == {"N5"}


def test_n5_a_claim_that_waits_without_a_deadline() -> None:
    story = Story()
    story.put(ENGINE, claim("Launching"))
    assert told(story) == {"N5"}


def test_n6_a_request_that_azure_throttles() -> None:
    story = Story()
    story.put(ENGINE, claim("Ready"))
    story.put(ENGINE, pool())
    story.call("list", pool(), status=429, carried_out=429)
    assert told(story) == {"N6"}


def test_n7_a_pool_that_is_there_asked_for_again() -> None:
    story = Story()
    story.put(ENGINE, claim("Ready"))
    story.put(ENGINE, pool())
    story.put(CLUSTER, pool(state="Succeeded"))
    story.put(ENGINE, pool(state="Updating"))
    assert told(story) == {"N7"}
