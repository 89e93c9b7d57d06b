"""Requests, and the reading of errors."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from api.v1 import workspace_pb2 as pb
from api.v1 import workspace_service_pb2 as service
from engine.phase import Phase
from engine.ports import WorkspaceStore
from engine.workspace import MachineState, Workspace, WorkspaceRef

PARENT = "namespaces/default"
DETAILS = (
    error_details_pb2.ErrorInfo,
    error_details_pb2.BadRequest,
    error_details_pb2.ResourceInfo,
    error_details_pb2.RetryInfo,
    error_details_pb2.PreconditionFailure,
)


def wanted(**fields: Any) -> pb.Workspace:
    """A workspace that is valid but for what ``fields`` say."""
    valid: dict[str, Any] = {
        "resource": pb.Resource(instance_type="local-cpu"),
        "inference": pb.Inference(preset=pb.PresetChoice(name="smollm2-135m-instruct")),
    }
    return pb.Workspace(**{**valid, **fields})


def creation(name: str = "demo", **fields: Any) -> service.CreateWorkspaceRequest:
    valid = {"parent": PARENT, "workspace_id": name, "workspace": wanted()}
    return service.CreateWorkspaceRequest(**{**valid, **fields})


def full_name(name: str = "demo") -> str:
    return f"{PARENT}/workspaces/{name}"


def ref(name: str = "demo") -> WorkspaceRef:
    return WorkspaceRef(namespace="default", name=name)


async def bring_to(
    store: WorkspaceStore, workspace: WorkspaceRef, phase: Phase, **machine: Any
) -> Workspace:
    """Writes a machine's state, as an engine would."""
    stored = await store.get(workspace)
    state = MachineState(phase=phase, since=stored.created, **machine)
    return await store.save(replace(stored, machine=state))


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What a client sees of a failed call."""

    code: grpc.StatusCode
    message: str
    info: error_details_pb2.ErrorInfo
    details: dict[type, Any]
    trailers: dict[str, Any]

    @property
    def reason(self) -> str:
        return self.info.reason.removeprefix("ERROR_REASON_")

    @property
    def fields(self) -> list[str]:
        bad_request = self.details[error_details_pb2.BadRequest]
        return [violation.field for violation in bad_request.field_violations]


async def failure(call: Any) -> Failure:
    """Awaits a call (or reads a stream to its end) that must fail."""
    read = read_out(call) if hasattr(call, "__aiter__") else _answer(call)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await asyncio.wait_for(read, timeout=10)
    return failure_of(caught.value)


async def _answer(call: Any) -> Any:
    return await call


async def read_out(stream: Any, into: list[Any] | None = None) -> None:
    seen = [] if into is None else into
    async for response in stream:
        seen.append(response)


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the condition lies in another task's state
            await asyncio.sleep(0.01)


def failure_of(error: grpc.aio.AioRpcError) -> Failure:
    status = rpc_status.from_call(error)
    assert status is not None, f"{error.code()} without details: {error.details()}"
    found = {
        kind: kind.FromString(detail.value)
        for detail in status.details
        for kind in DETAILS
        if detail.Is(kind.DESCRIPTOR)
    }
    return Failure(
        code=error.code(),
        message=error.details() or "",
        info=found[error_details_pb2.ErrorInfo],
        details=found,
        trailers=dict(error.trailing_metadata() or ()),
    )
