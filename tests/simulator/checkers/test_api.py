"""What clients are told: each property is broken once, and once nearly."""

from typing import Any

import pytest

from simulator.history import Rpc, StreamMessage
from tests.simulator.checkers.story import API, ENGINE, USER, Story, workspace

NAME = "namespaces/models/workspaces/w0"


@pytest.fixture
def story() -> Story:
    return Story()


def asked(
    story: Story, method: str, *, code: str = "OK", told: Any = None, at: float = 0, **more: Any
) -> None:
    """A call of a tenth of a second that ends now, or began ``at`` another instant."""
    fields = {"client": "user", "until": (at or story.at - 0.1) + 0.1}
    fields |= {key: more.pop(key) for key in ("client", "until") if key in more}
    request = {"name": NAME, **more}
    if method == "CreateWorkspace":
        request = {"parent": "namespaces/models", "workspaceId": "w0", **more}
    response = None if told is None else {"workspace": told}
    began = at or story.at - 0.1
    story.history.add(
        Rpc(at=began, method=method, request=request, response=response, code=code, **fields)
    )


def shown(obj: Any, *, etag: int | None = None) -> dict[str, Any]:
    metadata = obj["metadata"]
    version = metadata["resourceVersion"] if etag is None else str(etag)
    return {"name": NAME, "uid": metadata["uid"], "etag": version}


# Q1.


def test_an_acknowledgement_of_what_was_never_stored_is_caught(story) -> None:
    made = story.later(1).put(API, workspace())
    asked(story, "CreateWorkspace", told=shown(made, etag=999))
    assert "Q1" in story.found()


def test_an_acknowledged_deletion_that_nobody_asked_for_is_caught(story) -> None:
    made = story.later(1).put(API, workspace())
    asked(story, "DeleteWorkspace", told=shown(made))
    assert "Q1" in story.found()


def test_an_acknowledgement_of_what_was_stored_is_durable(story) -> None:
    made = story.later(1).put(API, workspace())
    story.change(ENGINE, made, metadata={"finalizers": ["x"]})
    asked(story, "CreateWorkspace", told=shown(made))
    assert "Q1" not in story.found()


def test_a_dry_run_stores_nothing_and_promises_nothing(story) -> None:
    told = {"name": NAME, "uid": "u", "etag": "7"}
    asked(story.later(1), "CreateWorkspace", told=told, validateOnly=True)
    assert "Q1" not in story.found()


# Q2.


def test_a_request_that_finds_its_own_work_in_its_way_is_caught(story) -> None:
    made = story.later(1).put(API, workspace())
    asked(story, "CreateWorkspace", told=shown(made), requestId="r1")
    story.later(1)
    asked(story, "CreateWorkspace", code="ALREADY_EXISTS", requestId="r1")
    assert "Q2" in story.found()


def test_a_request_id_taken_for_something_else_may_be_refused(story) -> None:
    made = story.later(1).put(API, workspace())
    asked(story, "CreateWorkspace", told=shown(made), requestId="r1")
    story.later(1)
    asked(story, "CreateWorkspace", code="ALREADY_EXISTS", requestId="r1", workspace={})
    assert "Q2" not in story.found()


def test_another_request_may_be_told_that_a_name_is_taken(story) -> None:
    made = story.later(1).put(API, workspace())
    asked(story, "CreateWorkspace", told=shown(made), requestId="r1")
    story.later(1)
    asked(story, "CreateWorkspace", code="ALREADY_EXISTS", requestId="r2")
    assert "Q2" not in story.found()


def test_a_request_that_is_carried_out_twice_is_caught(story) -> None:
    made = story.later(1).put(API, workspace())
    asked(story, "UpdateWorkspace", told=shown(made), requestId="r")
    again = story.later(1).change(API, made, resource={})
    asked(story, "UpdateWorkspace", told=shown(again), requestId="r")
    assert "Q2" in story.found()


def test_a_request_id_of_two_requests_is_caught(story) -> None:
    made = story.later(1).put(API, workspace())
    asked(story, "UpdateWorkspace", told=shown(made), requestId="r", updateMask="a")
    asked(story, "UpdateWorkspace", told=shown(made), requestId="r", updateMask="b")
    assert "Q2" in story.found()


def test_a_repeated_request_with_one_answer_is_idempotent(story) -> None:
    made = story.later(1).put(API, workspace())
    asked(story, "UpdateWorkspace", told=shown(made), requestId="r")
    asked(story.later(1), "UpdateWorkspace", code="UNAVAILABLE", requestId="r")
    asked(story.later(1), "UpdateWorkspace", told=shown(made), requestId="r")
    assert "Q2" not in story.found()


def test_a_repeated_request_may_be_told_what_has_become_of_it_since(story) -> None:
    made = story.later(1).put(API, workspace())
    asked(story, "CreateWorkspace", told=shown(made), requestId="r")
    moved = story.later(1).change(ENGINE, made, status={"phase": "Pending"})
    asked(story, "CreateWorkspace", told=shown(moved), requestId="r")
    assert "Q2" not in story.found()


# Q3, Q4.


def test_a_later_read_of_an_earlier_version_is_caught(story) -> None:
    made = story.later(1).put(API, workspace())
    changed = story.later(1).change(ENGINE, made, metadata={"finalizers": ["x"]})
    asked(story, "GetWorkspace", told=shown(changed), client="somebody")
    asked(story.later(1), "GetWorkspace", told=shown(made))
    assert "Q3" in story.found()


def test_two_reads_at_once_may_tell_of_either_version(story) -> None:
    made = story.later(1).put(API, workspace())
    changed = story.later(1).change(ENGINE, made, metadata={"finalizers": ["x"]})
    asked(story, "GetWorkspace", told=shown(changed), at=1.9)
    asked(story, "GetWorkspace", told=shown(made), at=1.95)
    assert "Q3" not in story.found()


def test_a_workspace_that_exists_and_is_not_found_is_caught(story) -> None:
    story.put(API, workspace())
    asked(story.later(1), "GetWorkspace", code="NOT_FOUND")
    assert "Q3" in story.found()


def test_a_workspace_made_during_the_read_may_be_missed(story) -> None:
    story.later(1).put(API, workspace())
    asked(story, "GetWorkspace", code="NOT_FOUND", at=0.95)
    assert "Q3" not in story.found()


def test_a_client_that_does_not_see_its_own_change_is_caught(story) -> None:
    made = story.later(1).put(API, workspace())
    changed = story.later(1).change(API, made, resource={})
    asked(story, "UpdateWorkspace", told=shown(changed))
    asked(story.later(1), "GetWorkspace", told=shown(made))
    assert "Q4" in story.found()


def test_what_another_client_changed_is_no_matter_of_one_s_own_writes(story) -> None:
    made = story.later(1).put(API, workspace())
    changed = story.later(1).change(API, made, resource={})
    asked(story, "UpdateWorkspace", told=shown(changed), client="other")
    asked(story.later(1), "GetWorkspace", told=shown(made))
    assert "Q4" not in story.found()


def test_a_new_workspace_of_the_same_name_begins_anew(story) -> None:
    made = story.later(1).put(API, workspace())
    asked(story, "CreateWorkspace", told=shown(made, etag=int(made["metadata"]["resourceVersion"])))
    told = {"name": NAME, "uid": "uid-again", "etag": "1"}
    asked(story.later(1), "GetWorkspace", told=told)
    assert not {"Q3", "Q4"} & story.found()


# Q5.


def message(story: Story, event: str, obj: Any = None, *, cursor: str = "", stream: int = 1):
    told = None if obj is None else shown(obj)
    story.history.add(
        StreamMessage(
            at=story.at,
            client="user",
            stream=stream,
            event=event,
            name=NAME if told else "",
            cursor=cursor,
            workspace=told,
        )
    )


def three_versions(story: Story) -> list[Any]:
    made = story.put(API, workspace())
    return [made, *(story.change(USER, made, resource={"n": n}) for n in (1, 2))]


def test_a_stream_that_skips_a_version_is_caught(story) -> None:
    first, _, third = three_versions(story)
    message(story, "opened")
    message(story, "changed", first, cursor="c1")
    message(story, "changed", third, cursor="c3")
    assert "Q5" in story.found()


def test_a_stream_that_tells_a_version_twice_is_caught(story) -> None:
    first, _, _ = three_versions(story)
    message(story, "opened")
    message(story, "changed", first, cursor="c1")
    message(story, "changed", first, cursor="c1")
    assert "Q5" in story.found()


def test_a_resumed_stream_that_skips_a_version_is_caught(story) -> None:
    first, _, third = three_versions(story)
    message(story, "opened")
    message(story, "changed", first, cursor="c1")
    message(story, "closed", cursor="c1")
    message(story, "opened", cursor="c1", stream=2)
    message(story, "changed", third, cursor="c3", stream=2)
    assert "Q5" in story.found()


def test_a_stream_resumed_after_a_checkpoint_goes_on_from_there(story) -> None:
    first, second, third = three_versions(story)
    message(story, "opened")
    message(story, "changed", first, cursor="c1")
    message(story, "changed", second, cursor="c2")
    message(story, "checkpoint", cursor="c2b")
    message(story, "opened", cursor="c2b", stream=2)
    message(story, "changed", third, cursor="c3", stream=2)
    assert "Q5" not in story.found()


def test_a_snapshot_shows_only_the_latest_version(story) -> None:
    first, _, third = three_versions(story)
    message(story, "opened")
    message(story, "changed", third)
    message(story, "synced", cursor="c3")
    fourth = story.change(USER, first, resource={"n": 3})
    message(story, "changed", fourth, cursor="c4")
    assert "Q5" not in story.found()


def test_what_was_deleted_before_the_snapshot_is_not_missed(story) -> None:
    _, _, third = three_versions(story)
    other = story.put(API, workspace("w1"))
    story.remove(API, other)
    message(story, "opened")
    message(story, "changed", third)
    message(story, "synced", cursor="c3")
    message(story, "changed", story.change(USER, third, resource={"n": 3}), cursor="c4")
    assert "Q5" not in story.found()


# Q6.


def test_a_definitive_error_for_what_the_request_did_is_caught(story) -> None:
    story.later(1).put(API, workspace())
    asked(story, "CreateWorkspace", code="UNAVAILABLE", requestId="r", at=0.95)
    asked(story.later(1), "CreateWorkspace", code="ALREADY_EXISTS", requestId="r")
    assert "Q6" in story.found()


def test_a_definitive_error_for_what_another_request_did_is_honest(story) -> None:
    made = story.later(1).put(API, workspace())
    asked(story, "CreateWorkspace", told=shown(made), requestId="a", at=0.95)
    asked(story.later(1), "CreateWorkspace", code="ALREADY_EXISTS", requestId="b")
    assert "Q6" not in story.found()


def test_a_definitive_error_for_what_has_gone_since_is_honest(story) -> None:
    made = story.later(1).put(API, workspace())
    asked(story, "CreateWorkspace", code="UNAVAILABLE", requestId="r", at=0.95)
    story.later(1).remove(USER, made)
    asked(story.later(1), "CreateWorkspace", code="ALREADY_EXISTS", requestId="r")
    assert "Q6" not in story.found()


def test_an_unknown_outcome_promises_nothing(story) -> None:
    story.later(1).put(API, workspace())
    asked(story, "CreateWorkspace", code="UNAVAILABLE", requestId="r", at=0.95)
    assert "Q6" not in story.found()
