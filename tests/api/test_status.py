"""Every error that a call can raise has a row in the table."""

import pytest
from google.protobuf.json_format import MessageToDict
from google.rpc.code_pb2 import Code

from api import errors as api_errors
from api.status import TABLE, status_of
from api.v1 import error_reason_pb2 as pb
from engine import errors as engine_errors
from engine.errors import ActionFailed, AlreadyExists, NotFound, Refused, Violation

INSIDE = {ActionFailed}
"""Errors between the driver and the world, which no RPC calls."""
CARRIERS = {api_errors.WatchEnded}
"""Errors that are shown as another one."""


def _leaves(module) -> set[type[Exception]]:
    classes = [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, Exception)]
    return {c for c in classes if c.__module__ == module.__name__ and not c.__subclasses__()}


def test_the_table_has_every_error_that_a_client_can_meet():
    meetable = (_leaves(engine_errors) | _leaves(api_errors)) - INSIDE - CARRIERS
    assert set(TABLE) == meetable


def test_every_reason_is_given_by_some_row():
    given = {reason for _, reason in TABLE.values()} | {pb.ERROR_REASON_INTERNAL}
    assert given == set(pb.ErrorReason.values()) - {pb.ERROR_REASON_UNSPECIFIED}


def test_the_engines_violations_are_spelt_as_this_api_spells_its_fields():
    paths = [
        "metadata.name",
        "spec.resource.instanceType",
        "resource.labelSelector",
        "inference.preset.presetOptions.image",
        "inference.adapters[0].source.volumeSource",
        "tuning.output.imagePushSecret",
    ]
    error = Refused("refused", [Violation(field=path, description="no") for path in paths])
    status = status_of(error, call_id="c")
    (bad_request,) = [
        MessageToDict(detail) for detail in status.details if "BadRequest" in detail.type_url
    ]
    assert [violation["field"] for violation in bad_request["fieldViolations"]] == [
        "workspace_id",
        "workspace.resource.instance_type",
        "workspace.resource.match_labels",
        "workspace.inference.preset.image",
        "workspace.inference.adapters[0].source.volume",
        "workspace.tuning.output.image_push_secret",
    ]


@pytest.mark.parametrize("error", [NotFound("presets/demo"), AlreadyExists("presets/demo")])
def test_a_workspace_is_named_as_this_api_names_it_in_any_namespace(error):
    info = MessageToDict(status_of(error, call_id="c").details[0])
    assert info["metadata"]["resource"] == "namespaces/presets/workspaces/demo"


def test_an_unknown_error_tells_only_the_calls_id():
    status = status_of(RuntimeError("secret"), call_id="c-1")
    assert status.code == Code.INTERNAL
    assert "secret" not in str(status)
    assert "c-1" in status.message
