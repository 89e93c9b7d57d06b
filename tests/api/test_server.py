"""What every call has in common, and the server's own services and end."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import grpc
import pytest
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from api.server import GrpcServer, ServerOptions
from api.v1 import workspace_pb2 as pb
from api.v1 import workspace_service_pb2 as service
from tests.api.conftest import QUICK, Served, serving
from tests.api.requests import PARENT, creation, failure, full_name, wanted

GET = service.GetWorkspaceRequest(name=full_name())
METHOD = "/moorage.v1.WorkspaceService/GetWorkspace"


# ---- call ids


async def _trailers(call) -> dict:
    await call
    return dict(await call.trailing_metadata())


async def test_a_callers_request_id_is_echoed_and_others_get_one(stub):
    own = (("x-request-id", "mine-1"),)
    assert (await _trailers(stub.CreateWorkspace(creation(), metadata=own)))[
        "x-request-id"
    ] == "mine-1"
    assert (await _trailers(stub.GetWorkspace(GET)))["x-request-id"].startswith("id-")
    unfit = (("x-request-id", "y" * 200),)
    assert (await _trailers(stub.GetWorkspace(GET, metadata=unfit)))["x-request-id"] != "y" * 200


async def test_a_failed_call_says_its_request_id_too(stub):
    failed = await failure(stub.GetWorkspace(GET, metadata=(("x-request-id", "mine-2"),)))
    assert failed.trailers["x-request-id"] == "mine-2"


async def test_every_error_has_one_reason_of_this_domain(stub):
    failed = await failure(stub.GetWorkspace(GET))
    assert failed.info.domain == "moorage.sh"
    assert failed.info.reason == "ERROR_REASON_NOT_FOUND"


async def test_each_call_is_one_line_in_the_log(stub, caplog):
    with caplog.at_level(logging.INFO, logger="api.edge"):
        await failure(stub.GetWorkspace(GET, metadata=(("x-request-id", "mine-3"),)))
    (record,) = caplog.records
    assert (record.rpc, record.code, record.request_id) == ("GetWorkspace", "NOT_FOUND", "mine-3")
    assert "GetWorkspace NOT_FOUND" in record.getMessage()
    assert record.exc_info is None


async def test_a_defect_is_internal_tells_only_its_id_and_is_logged_whole(
    stub, store, monkeypatch, caplog
):
    async def defective(ref):
        raise KeyError("secret")

    monkeypatch.setattr(store, "get", defective)
    failed = await failure(stub.GetWorkspace(GET, metadata=(("x-request-id", "mine-4"),)))
    assert (failed.code, failed.reason) == (grpc.StatusCode.INTERNAL, "INTERNAL")
    assert failed.info.metadata["request_id"] == "mine-4"
    assert "mine-4" in failed.message
    assert "secret" not in str(failed)
    (record,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert record.exc_info is not None
    assert "secret" in caplog.text


# ---- limits


async def test_a_call_that_takes_too_long_ends_with_deadline_exceeded(store, clock, monkeypatch):
    async def never(ref):
        await asyncio.sleep(60)

    monkeypatch.setattr(store, "get", never)
    short = replace(QUICK, call_limit=timedelta(milliseconds=50))
    async with serving(store, clock, short) as served:
        failed = await failure(served.workspaces.GetWorkspace(GET))
    assert (failed.code, failed.reason) == (
        grpc.StatusCode.DEADLINE_EXCEEDED,
        "DEADLINE_EXCEEDED",
    )
    assert failed.info.metadata["limit_seconds"] == "0.05"


async def test_a_timeout_within_the_store_is_not_taken_for_the_calls_own(stub, store, monkeypatch):
    async def times_out(ref):
        raise TimeoutError

    monkeypatch.setattr(store, "get", times_out)
    failed = await failure(stub.GetWorkspace(GET))
    assert failed.code is grpc.StatusCode.INTERNAL


async def test_a_caller_that_leaves_cancels_its_call(stub, store, monkeypatch, caplog):
    cancelled = asyncio.Event()

    async def waits(ref):
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    monkeypatch.setattr(store, "get", waits)
    with caplog.at_level(logging.INFO, logger="api.edge"), pytest.raises(grpc.aio.AioRpcError):
        await stub.GetWorkspace(GET, timeout=0.05)
    async with asyncio.timeout(5):
        await cancelled.wait()


async def test_bytes_that_are_no_request_are_an_invalid_argument(served):
    raw = served.channel.unary_unary(METHOD)
    failed = await failure(raw(b"\xff\xff\xff"))
    assert failed.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_message_that_is_too_large_is_refused(stub):
    bulky = creation(workspace=wanted(annotations={"bulk": "x" * 5_000_000}))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.CreateWorkspace(bulky)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_thousand_violations_still_fit_into_the_trailers(stub):
    adapters = [pb.Adapter(strength="é" * 1000) for _ in range(1000)]
    preset = pb.PresetChoice(name="smollm2-135m-instruct")
    workspace = wanted(inference=pb.Inference(preset=preset, adapters=adapters))
    failed = await failure(stub.CreateWorkspace(creation("x" * 10_000, workspace=workspace)))
    assert failed.code is grpc.StatusCode.INVALID_ARGUMENT
    assert "workspace_id" in failed.fields
    assert failed.fields[-1] == ""


# ---- health and reflection


@pytest.mark.parametrize("name", ["", "moorage.v1.WorkspaceService", "moorage.v1.CatalogService"])
async def test_health_is_serving(served, name):
    health = health_pb2_grpc.HealthStub(served.channel)
    answer = await health.Check(health_pb2.HealthCheckRequest(service=name))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_reflection_describes_the_services(served: Served):
    stub = reflection_pb2_grpc.ServerReflectionStub(served.channel)

    async def asked() -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
        yield reflection_pb2.ServerReflectionRequest(list_services="")
        yield reflection_pb2.ServerReflectionRequest(
            file_containing_symbol="moorage.v1.WorkspaceService"
        )

    answers = [answer async for answer in stub.ServerReflectionInfo(asked())]
    names = {listed.name for listed in answers[0].list_services_response.service}
    assert {"moorage.v1.WorkspaceService", "moorage.v1.CatalogService"} <= names
    files = [
        descriptor_pb2.FileDescriptorProto.FromString(data).name
        for data in answers[1].file_descriptor_response.file_descriptor_proto
    ]
    assert "moorage/v1/workspace_service.proto" in files


# ---- the end


async def test_calls_under_way_finish_while_the_server_stops(store, clock, monkeypatch):
    entered, leave = asyncio.Event(), asyncio.Event()
    get = store.get

    async def slow(ref):
        entered.set()
        await leave.wait()
        return await get(ref)

    async with serving(store, clock) as served:
        await served.workspaces.CreateWorkspace(creation())
        monkeypatch.setattr(store, "get", slow)
        call = asyncio.ensure_future(served.workspaces.GetWorkspace(GET))
        await entered.wait()
        stopping = asyncio.create_task(served.server.stop())
        await asyncio.sleep(0.05)
        assert not stopping.done()
        leave.set()
        assert (await call).workspace.name == full_name()
        await stopping


async def test_health_is_not_serving_before_anything_else_ends(store, clock):
    async with serving(store, clock) as served:
        health = health_pb2_grpc.HealthStub(served.channel)
        following = health.Watch(health_pb2.HealthCheckRequest())
        assert (await following.read()).status == health_pb2.HealthCheckResponse.SERVING
        stopping = asyncio.create_task(served.server.stop())
        assert (await following.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        following.cancel()
        await stopping


async def test_a_call_that_outlasts_the_grace_is_cut_off(store, clock, monkeypatch):
    entered = asyncio.Event()

    async def never(ref):
        entered.set()
        await asyncio.sleep(60)

    monkeypatch.setattr(store, "get", never)
    brief = replace(QUICK, grace=timedelta(milliseconds=50))
    async with serving(store, clock, brief) as served:
        call = asyncio.ensure_future(served.workspaces.GetWorkspace(GET))
        await entered.wait()
        async with asyncio.timeout(5):
            await served.server.stop()
        with pytest.raises((grpc.aio.AioRpcError, asyncio.CancelledError)):
            await call


async def test_an_address_that_is_taken_is_said(store, clock):
    async with serving(store, clock) as served:
        other = GrpcServer(
            store, clock=clock, new_id=str, options=ServerOptions(address=served.address)
        )
        with pytest.raises(OSError, match=r"cannot listen on 127\.0\.0\.1:"):
            await other.start()
        await other.stop()


async def test_a_parent_is_checked_before_a_watch_begins(stub):
    failed = await failure(stub.WatchWorkspaces(service.WatchWorkspacesRequest(parent="all")))
    assert failed.fields == ["parent"]
    assert PARENT not in failed.message
