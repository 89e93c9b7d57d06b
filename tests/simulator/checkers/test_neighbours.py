"""What is others': each property is broken once, and once nearly."""

import pytest

from engine.workspace import FINALIZER
from tests.simulator.checkers.story import (
    API,
    ENGINE,
    USER,
    Story,
    claim_of,
    conditions,
    service_of,
    workspace,
)

DELETED = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


@pytest.fixture
def story() -> Story:
    return Story()


# S13, S14: finalizers and foreign fields.


def test_a_claim_made_before_the_finalizer_is_held_is_caught(story) -> None:
    made = story.put(API, workspace())
    story.put(ENGINE, claim_of(made, name="ws1"))
    assert "S13" in story.found()


def test_a_finalizer_added_after_the_deletion_is_caught(story) -> None:
    made = story.put(API, workspace())
    story.change(USER, made, metadata={**DELETED, "finalizers": ["other"]})
    story.change(ENGINE, made, metadata={"finalizers": ["other", FINALIZER]})
    assert "S13" in story.found()


def test_somebody_else_s_finalizer_taken_off_is_caught_twice(story) -> None:
    made = story.put(API, workspace())
    story.change(USER, made, metadata={"finalizers": ["other"]})
    story.change(ENGINE, made, metadata={"finalizers": [FINALIZER]})
    assert {"S13", "S14"} <= story.found()


def test_a_finalizer_beside_somebody_else_s_is_right(story) -> None:
    made = story.put(API, workspace())
    story.change(USER, made, metadata={"finalizers": ["other"]})
    story.change(ENGINE, made, metadata={"finalizers": ["other", FINALIZER]})
    assert not {"S13", "S14"} & story.found()


@pytest.mark.parametrize("field", ["labels", "annotations"])
def test_a_label_or_annotation_of_somebody_else_that_is_lost_is_caught(story, field) -> None:
    made = story.created()
    story.change(USER, made, metadata={field: {"team": "a"}})
    story.change(ENGINE, made, metadata={field: {}})
    assert "S14" in story.found()


def test_a_user_may_take_off_labels_through_the_api(story) -> None:
    made = story.created()
    story.change(USER, made, metadata={"labels": {"team": "a"}})
    story.change(API, made, metadata={"labels": {}})
    assert "S14" not in story.found()


def test_a_condition_of_somebody_else_that_is_lost_is_caught(story) -> None:
    made = story.created()
    story.status(made, USER, conditions=conditions("Audited"))
    story.status(made, conditions=conditions("WorkspaceReady"))
    assert "S14" in story.found()


def test_our_own_annotation_may_change(story) -> None:
    story.ready()
    changed = {"workspace.kaito.io/revision": "r2"}
    story.change(ENGINE, story.owned("StatefulSet"), metadata={"annotations": changed})
    assert "S14" not in story.found()


# S15: bring your own.


def test_a_service_of_somebody_else_that_an_engine_changes_is_caught(story) -> None:
    made = story.provisioning()
    theirs = service_of(made)
    theirs["metadata"]["ownerReferences"] = []
    story.put(USER, theirs)
    story.put(ENGINE, service_of(made))
    assert "S15" in story.found()


def test_a_pod_of_a_workload_that_an_engine_made_may_be_deleted_by_it(story) -> None:
    made = story.ready()
    story.status(made, silentSince="2026-01-01T00:00:00Z")
    story.change(ENGINE, story.owned("Pod"), metadata=DELETED)
    assert "S15" not in story.found()
