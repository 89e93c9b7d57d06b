from dataclasses import replace

import pytest

from api.errors import RequestIdReused
from api.marks import KEPT, REQUEST_ANNOTATION, made_by, marked
from api.v1 import workspace_service_pb2 as service
from engine.phase import Phase
from tests.engine.scenes import workspace

REQUEST = service.RetryWorkspaceRequest(name="namespaces/default/workspaces/a", request_id="r 1")


def bearing(annotations):
    return replace(workspace(Phase.READY), annotations=annotations)


def test_a_change_is_known_by_the_mark_it_left():
    assert made_by(bearing(marked({"kept": "yes"}, REQUEST)), REQUEST)
    assert not made_by(bearing({}), REQUEST)


def later(number):
    return service.RetryWorkspaceRequest(name=REQUEST.name, request_id=f"later {number}")


def test_a_change_is_known_by_its_mark_after_later_ones_too():
    annotations = marked({"kept": "yes"}, REQUEST)
    for number in range(KEPT - 1):
        annotations = marked(annotations, later(number))
    assert made_by(bearing(annotations), REQUEST)
    assert made_by(bearing(annotations), later(0))
    assert annotations["kept"] == "yes"


def test_only_so_many_marks_are_kept():
    annotations = marked({}, REQUEST)
    for number in range(KEPT):
        annotations = marked(annotations, later(number))
    assert not made_by(bearing(annotations), REQUEST)


def test_a_request_without_an_id_leaves_no_mark():
    anonymous = service.RetryWorkspaceRequest(name=REQUEST.name)
    assert REQUEST_ANNOTATION not in marked({}, anonymous)
    assert not made_by(bearing(marked({}, REQUEST)), anonymous)


def test_another_request_under_the_same_id_is_refused():
    other = service.RetryWorkspaceRequest(name=REQUEST.name, etag="7", request_id="r 1")
    with pytest.raises(RequestIdReused):
        made_by(bearing(marked({}, REQUEST)), other)
