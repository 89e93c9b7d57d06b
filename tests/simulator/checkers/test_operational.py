"""What operators see: each property is broken once, and once nearly."""

import pytest

from tests.simulator.checkers.story import CLUSTER, ENGINE, Story, claim_of


@pytest.fixture
def story() -> Story:
    return Story()


def events(story: Story, count: int) -> None:
    for number in range(count):
        story.put(
            ENGINE,
            {
                "kind": "Event",
                "metadata": {"namespace": "models", "name": f"w0.{number}", "uid": f"e{number}"},
                "involvedObject": {"kind": "Workspace", "name": "w0"},
            },
        )


def test_a_flood_of_events_is_caught(story) -> None:
    events(story, 151)
    assert "O1" in story.found()


def test_a_busy_hour_s_events_are_not(story) -> None:
    events(story, 150)
    assert "O1" not in story.found()


def test_a_claim_that_the_record_asks_for_and_nobody_has_is_caught(story) -> None:
    story.ready()
    story.remove(CLUSTER, story.owned("NodeClaim"))
    assert "O2" in story.found()


def test_a_claim_that_no_record_asked_for_is_caught(story) -> None:
    made = story.ready()
    story.put(ENGINE, claim_of(made, name="wsstray"))
    assert "O2" in story.found()


def test_a_claim_that_is_not_asked_for_yet_is_no_contradiction(story) -> None:
    story.provisioning()
    assert "O2" not in story.found()


def test_a_history_whose_commits_lead_elsewhere_is_caught(story) -> None:
    story.ready()
    story.history.objects.popitem()
    assert "O3" in story.found()


def test_passages_that_do_not_join_are_caught(story) -> None:
    made = story.ready()
    told = story.history.objects["Workspace", "models", "w0"]["status"]["history"]
    story.status(made, history=[told[0], *told[2:]])
    assert "O3" in story.found()


def test_passages_whose_oldest_are_forgotten_still_join(story) -> None:
    made = story.ready()
    told = story.history.objects["Workspace", "models", "w0"]["status"]["history"]
    story.status(made, history=told[2:])
    assert "O3" not in story.found()


def test_a_status_that_tells_of_nodes_that_are_gone_is_caught(story) -> None:
    story.status(story.ready(), workerNodes=["node-gone"])
    assert "O4" in story.found()


def test_nodes_that_come_and_go_are_told_of_later(story) -> None:
    story.status(story.provisioning(), workerNodes=["node-coming"])
    assert "O4" not in story.found()
