"""The workspace RPCs, through gRPC."""

import asyncio
from datetime import timedelta

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc import error_details_pb2

from api.v1 import workspace_pb2 as pb
from api.v1 import workspace_service_pb2 as service
from engine.errors import Refused, Stale, Unreachable, Violation
from engine.phase import Phase
from engine.reason import Reason
from engine.workspace import RETRY_ANNOTATION
from tests.api.requests import (
    PARENT,
    bring_to,
    creation,
    failure,
    full_name,
    ref,
    wanted,
)


@pytest.fixture
def store(either_store):
    return either_store


async def test_a_created_workspace_begins_pending_and_reconciling(stub, clock):
    response = await stub.CreateWorkspace(creation(workspace=wanted(labels={"team": "a"})))
    workspace = response.workspace
    assert workspace.name == full_name()
    assert (workspace.state, workspace.phase) == (pb.STATE_PENDING, "Pending")
    assert workspace.reconciling
    assert workspace.etag
    assert workspace.labels == {"team": "a"}
    assert workspace.create_time.ToDatetime(clock.now().tzinfo) == clock.now()
    assert not workspace.HasField("delete_time")
    read = await stub.GetWorkspace(service.GetWorkspaceRequest(name=full_name()))
    assert read.workspace == workspace


async def test_creation_names_everything_wrong_at_once_and_stores_nothing(stub, store):
    bad = pb.Workspace(
        resource=pb.Resource(instance_type="Standard_Nothing", count=0),
        inference=pb.Inference(
            preset=pb.PresetChoice(name="gpt-17", access_mode=9),
            adapters=[pb.Adapter(source=pb.DataSource(name="a", image="i"), strength="strong")],
        ),
        tuning=pb.Tuning(),
    )
    failed = await failure(
        stub.CreateWorkspace(creation("Not_DNS", workspace=bad, request_id="x" * 129))
    )
    assert failed.code is grpc.StatusCode.INVALID_ARGUMENT
    assert failed.reason == "INVALID_REQUEST"
    assert set(failed.fields) >= {
        "workspace_id",
        "request_id",
        "workspace.resource.instance_type",
        "workspace.resource.count",
        "workspace.inference.preset.name",
        "workspace.inference.preset.access_mode",
        "workspace.inference.adapters[0].strength",
        "workspace.tuning",
        "workspace.tuning.preset",
    }
    page = await store.list(namespace="", page_size=10)
    assert not page.workspaces


async def test_a_number_that_json_lacks_is_rejected_with_its_path(stub):
    workspace = wanted()
    workspace.inference.ClearField("preset")
    workspace.inference.template.update({"spec": {"containers": [{"cpu": float("nan")}]}})
    failed = await failure(stub.CreateWorkspace(creation(workspace=workspace)))
    assert failed.fields == ["workspace.inference.template.spec.containers[0].cpu"]


async def test_a_taken_name_already_exists(stub):
    await stub.CreateWorkspace(creation())
    failed = await failure(stub.CreateWorkspace(creation()))
    assert (failed.code, failed.reason) == (grpc.StatusCode.ALREADY_EXISTS, "ALREADY_EXISTS")
    assert failed.details[error_details_pb2.ResourceInfo].resource_name == full_name()


async def test_validate_only_stores_nothing(stub):
    response = await stub.CreateWorkspace(creation(validate_only=True, request_id="r"))
    assert response.workspace.name == full_name()
    failed = await failure(stub.GetWorkspace(service.GetWorkspaceRequest(name=full_name())))
    assert failed.code is grpc.StatusCode.NOT_FOUND
    created = await stub.CreateWorkspace(creation(request_id="r"))
    assert created.workspace.etag, "validate_only must not use up the request id"


async def test_a_retired_instance_type_is_accepted_with_a_warning(stub):
    workspace = wanted(resource=pb.Resource(instance_type="Standard_NC6s_v3"))
    created = await stub.CreateWorkspace(creation(workspace=workspace))
    planned = await stub.PlanWorkspace(
        service.PlanWorkspaceRequest(parent=PARENT, workspace=workspace)
    )
    assert any("retired" in warning for warning in created.warnings)
    assert created.warnings == planned.warnings


@pytest.mark.parametrize(
    "name", ["demo", "namespaces/default/workspaces/", "namespaces/A/workspaces/b", "a/b/c/d"]
)
async def test_a_malformed_name_is_an_invalid_argument(stub, name):
    for call in (
        stub.GetWorkspace(service.GetWorkspaceRequest(name=name)),
        stub.DeleteWorkspace(service.DeleteWorkspaceRequest(name=name)),
        stub.ExplainWorkspace(service.ExplainWorkspaceRequest(name=name)),
        stub.RetryWorkspace(service.RetryWorkspaceRequest(name=name)),
    ):
        failed = await failure(call)
        assert (failed.code, failed.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["name"])


async def test_an_unknown_workspace_is_not_found(stub):
    failed = await failure(stub.GetWorkspace(service.GetWorkspaceRequest(name=full_name())))
    assert (failed.code, failed.reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    assert failed.details[error_details_pb2.ResourceInfo].resource_name == full_name()


# ---- update


def _update(workspace: pb.Workspace, *paths: str, **fields) -> service.UpdateWorkspaceRequest:
    mask = FieldMask(paths=paths) if paths else None
    return service.UpdateWorkspaceRequest(workspace=workspace, update_mask=mask, **fields)


async def _created(stub, **fields) -> pb.Workspace:
    return (await stub.CreateWorkspace(creation(workspace=wanted(**fields)))).workspace


async def test_update_changes_what_the_mask_names_and_nothing_else(stub):
    before = await _created(stub, labels={"a": "1"}, annotations={"b": "2"})
    change = pb.Workspace(name=before.name, labels={"c": "3"}, annotations={"d": "4"})
    change.inference.config = "settings"
    after = (await stub.UpdateWorkspace(_update(change, "labels", "inference.config"))).workspace
    assert (after.labels, after.annotations) == ({"c": "3"}, {"b": "2"})
    assert after.inference.config == "settings"
    assert after.inference.preset == before.inference.preset
    assert after.generation == before.generation + 1
    assert after.etag != before.etag


async def test_update_without_a_mask_changes_every_field_that_is_set(stub):
    before = await _created(stub, labels={"a": "1"}, annotations={"b": "2"})
    change = pb.Workspace(name=before.name, annotations={"d": "4"})
    change.inference.config = "settings"
    after = (await stub.UpdateWorkspace(_update(change))).workspace
    assert (after.labels, after.annotations) == ({"a": "1"}, {"d": "4"})
    assert after.inference.config == "settings"
    assert after.inference.preset == before.inference.preset


async def test_a_star_mask_replaces_all_and_ignores_what_is_output_only(stub):
    before = await _created(stub, labels={"a": "1"})
    change = pb.Workspace()
    change.CopyFrom(before)
    change.ClearField("labels")
    change.state = pb.STATE_READY
    after = (await stub.UpdateWorkspace(_update(change, "*"))).workspace
    assert (after.labels, after.state) == ({}, pb.STATE_PENDING)


async def test_a_named_path_that_is_not_set_is_cleared(stub):
    before = await _created(stub, labels={"a": "1"})
    after = (
        await stub.UpdateWorkspace(_update(pb.Workspace(name=before.name), "labels"))
    ).workspace
    assert after.labels == {}


@pytest.mark.parametrize(
    "path",
    ["colour", "resource.colour", "labels.a", "state", "name", "inference.template.spec", ""],
)
async def test_a_path_that_cannot_be_updated_is_named(stub, path):
    before = await _created(stub)
    failed = await failure(stub.UpdateWorkspace(_update(before, "labels", path)))
    assert (failed.code, failed.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["update_mask"])
    assert repr(path) in failed.message


async def test_an_immutable_field_cannot_be_updated(stub):
    before = await _created(stub)
    change = pb.Workspace(name=before.name, resource=pb.Resource(instance_type="Standard_NC6s_v3"))
    failed = await failure(stub.UpdateWorkspace(_update(change, "resource.instance_type")))
    assert failed.fields == ["workspace.resource.instance_type"]


async def test_a_stale_etag_is_aborted(stub):
    before = await _created(stub)
    fresh = pb.Workspace(name=before.name, labels={"a": "1"})
    await stub.UpdateWorkspace(_update(fresh, "labels"))
    stale = pb.Workspace(name=before.name, etag=before.etag, labels={"a": "2"})
    for call in (
        stub.UpdateWorkspace(_update(stale, "labels")),
        stub.DeleteWorkspace(service.DeleteWorkspaceRequest(name=before.name, etag=before.etag)),
        stub.RetryWorkspace(service.RetryWorkspaceRequest(name=before.name, etag=before.etag)),
    ):
        failed = await failure(call)
        assert (failed.code, failed.reason) == (grpc.StatusCode.ABORTED, "STALE_ETAG")
        assert failed.info.metadata["resource"] == before.name


async def test_an_update_without_an_etag_outlives_a_crossing_write(stub, store, monkeypatch):
    before = await _created(stub)
    update, crossings = store.update, 0

    async def crossed(workspace):
        nonlocal crossings
        if crossings < 2:
            crossings += 1
            await bring_to(store, ref(), Phase.PLANNING)
        return await update(workspace)

    monkeypatch.setattr(store, "update", crossed)
    change = pb.Workspace(name=before.name, labels={"a": "1"})
    after = (await stub.UpdateWorkspace(_update(change, "labels"))).workspace
    assert (crossings, after.labels, after.phase) == (2, {"a": "1"}, "Planning")


async def test_an_update_that_is_always_crossed_is_aborted_in_the_end(stub, store, monkeypatch):
    before = await _created(stub)

    async def crossed(workspace):
        raise Stale(str(workspace.ref))

    monkeypatch.setattr(store, "update", crossed)
    failed = await failure(stub.UpdateWorkspace(_update(before, "labels")))
    assert failed.code is grpc.StatusCode.ABORTED


async def test_validate_only_updates_nothing(stub):
    before = await _created(stub)
    change = pb.Workspace(name=before.name, labels={"a": "1"})
    shown = await stub.UpdateWorkspace(_update(change, "labels", validate_only=True))
    assert shown.workspace.labels == {"a": "1"}
    after = await stub.GetWorkspace(service.GetWorkspaceRequest(name=before.name))
    assert after.workspace == before


async def test_a_workspace_that_is_being_deleted_cannot_be_updated(stub, store):
    before = await _created(stub)
    await store.hold_finalizer(ref())
    await store.delete(ref())
    failed = await failure(stub.UpdateWorkspace(_update(before, "labels")))
    before.ClearField("etag")
    failed = await failure(stub.UpdateWorkspace(_update(before, "labels")))
    assert (failed.code, failed.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "ILLEGAL_COMMAND",
    )
    assert failed.info.metadata["phase"] == "Deleting"


# ---- delete


async def test_delete_returns_the_workspace_while_it_is_being_released(stub, store, clock):
    await _created(stub)
    await store.hold_finalizer(ref())
    request = service.DeleteWorkspaceRequest(name=full_name())
    deleted = (await stub.DeleteWorkspace(request)).workspace
    assert deleted.delete_time.ToDatetime(clock.now().tzinfo) == clock.now()
    again = (await stub.DeleteWorkspace(request)).workspace
    assert again == deleted


async def test_delete_of_what_is_gone_at_once_returns_no_workspace(stub):
    await _created(stub)
    request = service.DeleteWorkspaceRequest(name=full_name())
    assert not (await stub.DeleteWorkspace(request)).HasField("workspace")
    assert (await failure(stub.DeleteWorkspace(request))).code is grpc.StatusCode.NOT_FOUND
    request.allow_missing = True
    assert not (await stub.DeleteWorkspace(request)).HasField("workspace")


# ---- list


async def _names(stub, **fields) -> tuple[list[str], str]:
    response = await stub.ListWorkspaces(service.ListWorkspacesRequest(**fields))
    return [w.name.rpartition("/")[2] for w in response.workspaces], response.next_page_token


async def test_pages_show_one_instant(stub):
    for name in "abc":
        await stub.CreateWorkspace(creation(name))
    first, token = await _names(stub, parent=PARENT, page_size=2)
    await stub.CreateWorkspace(creation("bb"))
    second, end = await _names(stub, parent=PARENT, page_size=2, page_token=token)
    assert (first, second, end) == (["a", "b"], ["c"], "")


async def test_a_list_selects_by_namespace_and_labels(stub, store):
    store.add_namespace("other")
    await stub.CreateWorkspace(creation("a", workspace=wanted(labels={"x": "1"})))
    await stub.CreateWorkspace(creation("b"))
    await stub.CreateWorkspace(creation("c", parent="namespaces/other"))
    assert (await _names(stub, parent=PARENT))[0] == ["a", "b"]
    assert (await _names(stub, parent="namespaces/-"))[0] == ["a", "b", "c"]
    assert (await _names(stub, parent="namespaces/-", label_selector="x=1"))[0] == ["a"]


async def test_a_page_token_is_good_for_its_own_list_only(stub):
    for name in "ab":
        await stub.CreateWorkspace(creation(name))
    _, token = await _names(stub, parent=PARENT, page_size=1)
    for fields in (
        {"parent": "namespaces/-", "page_token": token},
        {"parent": PARENT, "page_token": token, "label_selector": "a=b"},
        {"parent": PARENT, "page_token": token[:-1]},
        {"parent": PARENT, "page_token": "?"},
    ):
        failed = await failure(stub.ListWorkspaces(service.ListWorkspacesRequest(**fields)))
        assert (failed.code, failed.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["page_token"])


async def test_an_expired_page_token_is_out_of_range(stub, store):
    for name in "ab":
        await stub.CreateWorkspace(creation(name))
    _, token = await _names(stub, parent=PARENT, page_size=1)
    store.compact()
    request = service.ListWorkspacesRequest(parent=PARENT, page_token=token)
    failed = await failure(stub.ListWorkspaces(request))
    assert (failed.code, failed.reason) == (grpc.StatusCode.OUT_OF_RANGE, "PAGE_TOKEN_EXPIRED")


async def test_a_bad_list_request_names_everything_at_once(stub):
    request = service.ListWorkspacesRequest(
        parent="everything", page_size=-1, page_token="x", label_selector="a=b=c"
    )
    failed = await failure(stub.ListWorkspaces(request))
    assert failed.fields == ["parent", "label_selector", "page_size", "page_token"]


# ---- plan, explain, retry


async def test_plan_says_what_would_be_asked_and_stores_nothing(stub, store):
    request = service.PlanWorkspaceRequest(parent=PARENT, workspace=wanted())
    response = await stub.PlanWorkspace(request)
    assert response.WhichOneof("outcome") == "plan"
    assert (response.plan.instance_type, response.plan.node_count) == ("local-cpu", 1)
    assert response.plan.why
    assert not (await store.list(namespace="", page_size=1)).workspaces


async def test_plan_tells_all_that_would_be_asked_for_in_order_with_its_quota(stub):
    resource = pb.Resource(
        instance_type="Standard_NC4as_T4_v3",
        fallback_instance_types=["local-cpu"],
        capacity_types=[pb.CAPACITY_TYPE_SPOT, pb.CAPACITY_TYPE_ON_DEMAND],
    )
    inference = pb.Inference(preset=pb.PresetChoice(name="phi-3-mini-4k-instruct"))
    response = await stub.PlanWorkspace(
        service.PlanWorkspaceRequest(
            parent=PARENT, workspace=wanted(resource=resource, inference=inference)
        )
    )
    assert [
        (it.family, it.capacity_type, it.WhichOneof("outcome")) for it in response.candidates
    ] == [
        ("NCASv3_T4", pb.CAPACITY_TYPE_SPOT, "plan"),
        ("NCASv3_T4", pb.CAPACITY_TYPE_ON_DEMAND, "plan"),
        ("local", pb.CAPACITY_TYPE_SPOT, "refusal"),
        ("local", pb.CAPACITY_TYPE_ON_DEMAND, "refusal"),
    ]
    assert response.plan == response.candidates[0].plan


async def test_unknown_fallbacks_are_named_by_their_place(stub):
    resource = pb.Resource(
        instance_type="local-cpu",
        fallback_instance_types=["local-cpu", "nonesuch"],
        capacity_types=[pb.CAPACITY_TYPE_SPOT, pb.CAPACITY_TYPE_UNSPECIFIED],
    )
    failed = await failure(stub.CreateWorkspace(creation(workspace=wanted(resource=resource))))
    assert failed.code is grpc.StatusCode.INVALID_ARGUMENT
    assert set(failed.fields) == {
        "workspace.resource.fallback_instance_types[1]",
        "workspace.resource.capacity_types[1]",
    }


async def test_what_has_a_field_is_not_taken_as_an_annotation(stub):
    annotated = wanted(annotations={"moorage.sh/capacity-types": "spot"})
    failed = await failure(stub.CreateWorkspace(creation(workspace=annotated)))
    assert failed.fields == ["workspace.annotations[moorage.sh/capacity-types]"]


async def test_plan_of_what_cannot_fit_is_a_refusal_with_a_remedy(stub):
    too_large = wanted(
        inference=pb.Inference(preset=pb.PresetChoice(name="phi-3-mini-4k-instruct"))
    )
    response = await stub.PlanWorkspace(
        service.PlanWorkspaceRequest(parent=PARENT, workspace=too_large)
    )
    assert response.WhichOneof("outcome") == "refusal"
    assert response.refusal.reason == "PresetTooLarge"
    assert response.refusal.remedy


async def test_plan_of_an_invalid_workspace_is_an_invalid_argument(stub):
    request = service.PlanWorkspaceRequest(parent="x", workspace_id="X", workspace=pb.Workspace())
    failed = await failure(stub.PlanWorkspace(request))
    assert set(failed.fields) >= {"parent", "workspace_id", "workspace.resource.instance_type"}


async def test_explain_says_what_is_waited_for_since_when_and_until_when(stub, store, clock):
    await _created(stub)
    until = clock.now() + timedelta(minutes=30)
    await bring_to(
        store,
        ref(),
        Phase.PROVISIONING,
        deadline=until,
        reason=Reason.NODE_CLAIM_NOT_READY,
        message="one node is on its way",
        waiting_for="node claim ws0",
        remedy="wait",
    )
    request = service.ExplainWorkspaceRequest(name=full_name())
    explanation = (await stub.ExplainWorkspace(request)).explanation
    assert (explanation.state, explanation.phase) == (pb.STATE_STARTING, "Provisioning")
    assert explanation.since_time.ToDatetime(until.tzinfo) == clock.now()
    assert explanation.deadline_time.ToDatetime(until.tzinfo) == until
    assert explanation.waiting_for == "node claim ws0"
    assert (explanation.reason, explanation.remedy) == ("NodeClaimNotReady", "wait")
    assert not explanation.overdue
    clock.instant = until + timedelta(seconds=1)
    assert (await stub.ExplainWorkspace(request)).explanation.overdue


async def test_retry_of_a_failed_workspace_asks_for_another_attempt(stub, store):
    await _created(stub)
    await bring_to(store, ref(), Phase.FAILED, reason=Reason.CRASH_LOOP)
    await stub.RetryWorkspace(service.RetryWorkspaceRequest(name=full_name(), request_id="r-1"))
    assert (await store.get(ref())).retry_requested == "r-1"
    await stub.RetryWorkspace(service.RetryWorkspaceRequest(name=full_name()))
    assert (await store.get(ref())).retry_requested not in ("", "r-1")


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.FAILED])
async def test_retry_is_illegal_everywhere_but_in_failed(stub, store, phase):
    await _created(stub)
    await bring_to(store, ref(), phase)
    failed = await failure(stub.RetryWorkspace(service.RetryWorkspaceRequest(name=full_name())))
    assert (failed.code, failed.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "ILLEGAL_COMMAND",
    )
    assert failed.info.metadata["command"] == "retry"
    assert failed.info.metadata["phase"] == phase
    violation = failed.details[error_details_pb2.PreconditionFailure].violations[0]
    assert (violation.type, violation.subject) == ("STATE", full_name())
    assert RETRY_ANNOTATION not in (await store.get(ref())).annotations


# ---- request ids


async def test_a_repeated_creation_gets_the_first_answer(stub):
    first = await stub.CreateWorkspace(creation(request_id="r"))
    assert await stub.CreateWorkspace(creation(request_id="r")) == first


async def test_a_request_id_stands_for_one_request_only(stub):
    await stub.CreateWorkspace(creation(request_id="r"))
    for call in (
        stub.CreateWorkspace(creation("other", request_id="r")),
        stub.DeleteWorkspace(service.DeleteWorkspaceRequest(name=full_name(), request_id="r")),
    ):
        failed = await failure(call)
        assert (failed.code, failed.reason) == (
            grpc.StatusCode.ALREADY_EXISTS,
            "REQUEST_ID_REUSED",
        )
        assert failed.info.metadata["request_id"] == "r"


async def test_the_same_creation_many_times_at_once_happens_once(stub):
    answers = await asyncio.gather(
        *(stub.CreateWorkspace(creation(request_id="r")) for _ in range(20))
    )
    assert all(answer == answers[0] for answer in answers)


async def test_a_caller_that_gave_up_learns_what_became_of_its_creation(stub, store, monkeypatch):
    create, allowed = store.create, asyncio.Event()

    async def slow(new, *, dry_run=False):
        await allowed.wait()
        return await create(new, dry_run=dry_run)

    monkeypatch.setattr(store, "create", slow)
    with pytest.raises(grpc.aio.AioRpcError):
        await stub.CreateWorkspace(creation(request_id="r"), timeout=0.05)
    allowed.set()
    answer = await stub.CreateWorkspace(creation(request_id="r"))
    assert answer.workspace.name == full_name()


# ---- the store's refusals


async def test_the_stores_refusal_of_a_field_is_an_invalid_argument(stub, store, monkeypatch):
    async def refuse(new, *, dry_run=False):
        raise Refused("denied", [Violation(field="spec.resource.instanceType", description="no")])

    monkeypatch.setattr(store, "create", refuse)
    failed = await failure(stub.CreateWorkspace(creation()))
    assert failed.code is grpc.StatusCode.INVALID_ARGUMENT
    assert failed.fields == ["workspace.resource.instance_type"]


async def test_a_refusal_that_blames_no_field_is_a_failed_precondition(stub, store, monkeypatch):
    async def refuse(new, *, dry_run=False):
        raise Refused("exceeded quota")

    monkeypatch.setattr(store, "create", refuse)
    failed = await failure(stub.CreateWorkspace(creation()))
    assert (failed.code, failed.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "REFUSED")
    violation = failed.details[error_details_pb2.PreconditionFailure].violations[0]
    assert violation.description == "exceeded quota"


async def test_an_unreachable_store_is_unavailable_and_says_when_to_try_again(
    stub, store, monkeypatch
):
    async def unreachable(ref):
        raise Unreachable("connection to 10.0.0.1 refused")

    monkeypatch.setattr(store, "get", unreachable)
    failed = await failure(stub.GetWorkspace(service.GetWorkspaceRequest(name=full_name())))
    assert (failed.code, failed.reason) == (grpc.StatusCode.UNAVAILABLE, "UNREACHABLE")
    assert failed.details[error_details_pb2.RetryInfo].retry_delay.ToTimedelta() > timedelta()
    assert "10.0.0.1" not in failed.message
