"""A failure that the engine brought about itself, and one that the world did."""

import pytest

from tests.simulator.checkers.story import ENGINE, Story, claim_of, claim_status, node_of

CLUSTER = "cluster"
PATIENCE = 1200


@pytest.fixture
def story() -> Story:
    return Story()


def _give_up(story: Story, made: dict, reason: str) -> set[str]:
    story.moves(made, "Failed", reason=reason)
    return story.found()


def test_a_deadline_that_passes_for_want_of_the_world_is_honest(story) -> None:
    made = story.provisioning()
    story.put(ENGINE, claim_of(made))
    story.later(PATIENCE)
    assert "L12" not in _give_up(story, made, "ProvisioningDeadlineExceeded")


def test_a_deadline_that_passes_for_want_of_what_the_engine_owes_is_caught(story) -> None:
    made = story.provisioning()
    story.later(PATIENCE)
    assert "L12" in _give_up(story, made, "ProvisioningDeadlineExceeded")


def test_a_claim_that_went_a_moment_before_the_deadline_is_not_owed(story) -> None:
    made = story.provisioning()
    claim = story.put(ENGINE, claim_of(made))
    story.later(PATIENCE - 5).remove(CLUSTER, claim)
    story.later(5)
    assert "L12" not in _give_up(story, made, "ProvisioningDeadlineExceeded")


def test_giving_up_before_the_deadline_is_caught(story) -> None:
    made = story.provisioning()
    story.put(ENGINE, claim_of(made))
    story.later(10)
    assert "L12" in _give_up(story, made, "ProvisioningDeadlineExceeded")


def test_a_refusal_that_no_claim_tells_of_is_caught(story) -> None:
    made = story.provisioning()
    story.put(ENGINE, claim_of(made))
    story.later(200)
    assert "L12" in _give_up(story, made, "NodeClaimRefused")


def _launched_late(story: Story, *, before_the_deadline: float) -> dict:
    made = story.provisioning()
    claim = story.put(ENGINE, claim_of(made))
    node = story.later(PATIENCE - before_the_deadline).put(CLUSTER, node_of(claim, made))
    told = claim_status(node)
    for item in told["conditions"]:
        item["lastTransitionTime"] = story.instant()
    story.change(CLUSTER, claim, status=told)
    story.later(before_the_deadline)
    return made


def test_giving_up_on_nodes_that_are_there_is_caught(story) -> None:
    made = _launched_late(story, before_the_deadline=20)
    assert "L12" in _give_up(story, made, "ProvisioningDeadlineExceeded")


def test_nodes_that_come_with_the_deadline_may_be_missed(story) -> None:
    made = _launched_late(story, before_the_deadline=1)
    assert "L12" not in _give_up(story, made, "ProvisioningDeadlineExceeded")


def test_an_engine_that_sees_the_past_may_miss_nodes(story) -> None:
    story.struck("CR~tt")
    made = _launched_late(story, before_the_deadline=20)
    story.struck("FRZ")
    assert "L12" not in _give_up(story, made, "ProvisioningDeadlineExceeded")
