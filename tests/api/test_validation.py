"""What an update leaves alone stays exactly as it was stored."""

from dataclasses import replace

from google.protobuf.field_mask_pb2 import FieldMask

from api.v1 import workspace_pb2 as pb
from api.v1 import workspace_service_pb2 as service
from api.validation import change, changed
from engine.phase import Phase
from engine.workspace import Inference
from tests.api.requests import full_name
from tests.engine.scenes import SMALL, workspace


def test_a_number_beyond_protobufs_precision_survives_an_update_of_something_else():
    template = {"spec": {"large": 2**60 + 1}}
    spec = replace(SMALL, inference=Inference(template=template))
    stored = workspace(Phase.FAILED, spec)
    asked = change(
        service.UpdateWorkspaceRequest(
            workspace=pb.Workspace(name=full_name(), labels={"a": "b"}),
            update_mask=FieldMask(paths=["labels"]),
        )
    )
    assert changed(stored, asked) == replace(stored, labels={"a": "b"})
