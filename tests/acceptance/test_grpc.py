"""A client made from the protos alone, from creation to the end."""

import json
import urllib.request
from collections.abc import Iterator

import grpc
import pytest
import tritonclient.grpc as triton
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from api.v1 import workspace_pb2 as pb
from api.v1 import workspace_service_pb2 as service
from api.v1.catalog_service_pb2 import ListPresetsRequest
from api.v1.catalog_service_pb2_grpc import CatalogServiceStub
from api.v1.workspace_service_pb2_grpc import WorkspaceServiceStub
from tests.acceptance.conftest import needs_triton

pytestmark = pytest.mark.timeout(180)

PARENT = "namespaces/default"
NAME = f"{PARENT}/workspaces/over-grpc"
WAITING = (
    pb.STATE_PENDING,
    pb.STATE_STARTING,
    pb.STATE_DEGRADED,
    pb.STATE_UPDATING,
    pb.STATE_DELETING,
)


@pytest.fixture
def channel(shared_moorage) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(shared_moorage.endpoints["grpc"]) as made:
        yield made


@pytest.fixture
def workspaces(channel) -> WorkspaceServiceStub:
    return WorkspaceServiceStub(channel)


@pytest.fixture
def afterwards_gone(workspaces) -> Iterator[None]:
    """A test that fails halfway leaves nothing for the next one to trip over."""
    yield
    workspaces.DeleteWorkspace(service.DeleteWorkspaceRequest(name=NAME, allow_missing=True))
    await_removal(workspaces)


def smollm2(**changes) -> pb.Workspace:
    asked = pb.Workspace(
        resource=pb.Resource(instance_type="local-cpu", match_labels={"apps": "g"}),
        inference=pb.Inference(preset=pb.PresetChoice(name="smollm2-135m-instruct")),
    )
    asked.MergeFrom(pb.Workspace(**changes))
    return asked


def create(asked: pb.Workspace, name: str = "over-grpc") -> service.CreateWorkspaceRequest:
    return service.CreateWorkspaceRequest(parent=PARENT, workspace_id=name, workspace=asked)


@needs_triton
def test_a_workspace_lives_from_creation_to_its_end(workspaces, kubectl, afterwards_gone):
    made = workspaces.CreateWorkspace(create(smollm2())).workspace
    assert made.name == NAME
    assert made.reconciling

    explained: dict[str, pb.Workspace] = {}
    ready = follow_to_ready(workspaces, explained)
    assert list(explained) == ["Pending", "Planning", "Provisioning", "Deploying", "Loading"]

    told = workspaces.ExplainWorkspace(service.ExplainWorkspaceRequest(name=NAME)).explanation
    assert (told.phase, told.waiting_for) == ("Ready", "")
    assert not told.HasField("deadline_time")
    assert [passage.destination for passage in told.history][-1] == "Ready"

    ask_the_model(ready.endpoints)
    refuse_a_stale_update(workspaces, made.etag)
    relabel(workspaces, ready.etag)

    workspaces.DeleteWorkspace(service.DeleteWorkspaceRequest(name=NAME))
    await_removal(workspaces)
    assert kubectl.names("nodeclaims") == set()


def follow_to_ready(workspaces, explained) -> pb.Workspace:
    watch = workspaces.WatchWorkspaces(service.WatchWorkspacesRequest(parent=PARENT), timeout=90)
    for event in watch:
        if event.WhichOneof("event") != "changed" or event.changed.name != NAME:
            continue
        seen = event.changed
        if seen.state in WAITING and seen.phase not in explained:
            explained[seen.phase] = must_tell_what_it_waits_for(seen)
        if seen.state == pb.STATE_READY:
            watch.cancel()
            return seen
    raise AssertionError("the watch ended before the workspace was ready")


def must_tell_what_it_waits_for(seen: pb.Workspace) -> pb.Workspace:
    if seen.phase != "Pending" or seen.waiting_for:  # nobody has looked at a new one yet
        assert seen.waiting_for, seen.phase
        assert seen.message
        assert seen.remedy
        assert seen.HasField("phase_since_time")
        assert seen.deadline_time.ToDatetime() > seen.phase_since_time.ToDatetime()
    return seen


def ask_the_model(endpoints: pb.Endpoints) -> None:
    body = {"prompt": "What is the capital of France?", "generate_kwargs": {"do_sample": False}}
    request = urllib.request.Request(
        f"{endpoints.http}/chat", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert "Paris" in json.load(answer)["Result"]
    with triton.InferenceServerClient(endpoints.triton_grpc) as client:
        assert client.is_model_ready("smollm2-135m-instruct")


def refuse_a_stale_update(workspaces, etag: str) -> None:
    stale = pb.Workspace(name=NAME, etag=etag, labels={"a": "b"})
    with pytest.raises(grpc.RpcError) as refused:
        workspaces.UpdateWorkspace(
            service.UpdateWorkspaceRequest(workspace=stale, update_mask=FieldMask(paths=["labels"]))
        )
    assert refused.value.code() is grpc.StatusCode.ABORTED


def relabel(workspaces, etag: str) -> None:
    current = workspaces.GetWorkspace(service.GetWorkspaceRequest(name=NAME)).workspace
    changed = pb.Workspace(name=NAME, etag=current.etag, labels={"a": "b"})
    updated = workspaces.UpdateWorkspace(
        service.UpdateWorkspaceRequest(workspace=changed, update_mask=FieldMask(paths=["labels"]))
    ).workspace
    assert updated.labels == {"a": "b"}
    assert updated.etag != etag


def await_removal(workspaces) -> None:
    watch = workspaces.WatchWorkspaces(service.WatchWorkspacesRequest(parent=PARENT), timeout=60)
    phases = set()
    for event in watch:
        kind = event.WhichOneof("event")
        if kind == "changed" and event.changed.name == NAME:
            phases.add(event.changed.phase)
        gone = kind == "removed" and event.removed.name == NAME
        if gone or (kind == "synced" and not phases):
            watch.cancel()
            return
    raise AssertionError(f"still there: {phases}")


def violations(refused) -> set[str]:
    status = rpc_status.from_call(refused.value)
    assert status is not None
    bad = error_details_pb2.BadRequest()
    found = [detail for detail in status.details if detail.Unpack(bad)]
    assert found
    return {violation.field for violation in bad.field_violations}


def test_a_bad_workspace_is_refused_with_every_violation_and_not_stored(workspaces):
    bad = smollm2(
        tuning=pb.Tuning(
            preset=pb.PresetChoice(name="phi-4"),
            method="qlora",
            input=pb.DataSource(urls=["https://example.org/a"]),
            output=pb.DataDestination(image="example.org/b:1", image_push_secret="s"),
        ),
    )
    bad.resource.instance_type = "Standard_Nothing"
    bad.inference.preset.name = "unknown-model"
    bad.inference.adapters.add(
        source=pb.DataSource(name="a", image="example.org/a:1"), strength="strong"
    )
    with pytest.raises(grpc.RpcError) as refused:
        workspaces.CreateWorkspace(create(bad, name="Bad_Name"))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert violations(refused) == {
        "workspace_id",
        "workspace.resource.instance_type",
        "workspace.inference.preset.name",
        "workspace.inference.adapters[0].strength",
        "workspace.tuning",
    }
    listed = workspaces.ListWorkspaces(service.ListWorkspacesRequest(parent=PARENT)).workspaces
    assert [workspace.name for workspace in listed] == []


def test_a_plan_creates_nothing(workspaces, kubectl):
    asked = service.PlanWorkspaceRequest(parent=PARENT, workspace_id="p", workspace=smollm2())
    assert workspaces.PlanWorkspace(asked).plan.node_count == 1
    assert kubectl.names("workspaces") == set()


def test_the_catalogue_lists_the_presets(channel):
    listed = CatalogServiceStub(channel).ListPresets(ListPresetsRequest(page_size=100))
    assert "smollm2-135m-instruct" in {preset.name.rpartition("/")[2] for preset in listed.presets}
