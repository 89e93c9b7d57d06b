"""A workspace as the custom resource that kubectl shows; ``moorage apply`` takes it back."""

from typing import Any

from google.protobuf.json_format import MessageToDict

from adapters.kubernetes import workspace_codec
from api.convert.values import CAPACITY_TYPES, workspace_spec
from api.names import parse_workspace_name
from api.v1 import workspace_pb2 as pb
from engine.conditions import kaito_state
from engine.phase import Phase


def custom_resource(workspace: pb.Workspace) -> dict[str, Any]:
    ref = parse_workspace_name(workspace.name)
    if ref is None:
        raise ValueError(f"{workspace.name!r} is not a workspace's name")
    metadata = {
        "uid": workspace.uid,
        "resourceVersion": workspace.etag,
        "generation": workspace.generation,
        "creationTimestamp": workspace.create_time.ToJsonString(),
        **({"labels": dict(workspace.labels)} if workspace.labels else {}),
        **({"annotations": dict(workspace.annotations)} if workspace.annotations else {}),
    }
    if workspace.HasField("delete_time"):
        metadata["deletionTimestamp"] = workspace.delete_time.ToJsonString()
    whole = workspace_codec.manifest(ref, workspace_spec(workspace), metadata)
    return {**whole, "status": _status(workspace)}


def _status(workspace: pb.Workspace) -> dict[str, Any]:
    """In the field names of the custom resource."""
    status = {
        "phase": workspace.phase,
        "phaseSince": workspace.phase_since_time.ToJsonString(),
        "state": kaito_state(Phase(workspace.phase)),
        "reason": workspace.reason,
        "message": workspace.message,
        "waitingFor": workspace.waiting_for,
        "remedy": workspace.remedy,
        "attempt": workspace.attempt,
        "workerNodes": list(workspace.worker_nodes),
        "conditions": [_condition(one) for one in workspace.conditions],
        "history": [_passage(one) for one in workspace.history],
    }
    if workspace.HasField("deadline_time"):
        status["deadline"] = workspace.deadline_time.ToJsonString()
    if workspace.HasField("plan"):
        plan = MessageToDict(workspace.plan, always_print_fields_with_no_presence=True)
        plan["diskGiB"] = plan.pop("diskGib")
        plan["capacityType"] = CAPACITY_TYPES[workspace.plan.capacity_type]
        status["plan"] = plan
    if workspace.refused_offerings:
        status["refusedOfferings"] = [_refusal(one) for one in workspace.refused_offerings]
    endpoints = workspace.endpoints
    status["endpoints"] = {
        "http": endpoints.http,
        "tritonHTTP": endpoints.triton_http,
        "tritonGRPC": endpoints.triton_grpc,
        "metrics": endpoints.metrics,
    }
    return status


def _condition(condition: pb.Condition) -> dict[str, Any]:
    return {
        "type": condition.type,
        "status": "True" if condition.status == pb.Condition.STATUS_TRUE else "False",
        "reason": condition.reason,
        "message": condition.message,
        "lastTransitionTime": condition.last_transition_time.ToJsonString(),
        "observedGeneration": condition.observed_generation,
    }


def _refusal(refusal: pb.OfferingRefusal) -> dict[str, Any]:
    return {
        "instanceType": refusal.instance_type,
        "capacityType": CAPACITY_TYPES[refusal.capacity_type],
        "reason": refusal.reason,
        "message": refusal.message,
    }


def _passage(passage: pb.Passage) -> dict[str, Any]:
    return {
        "from": passage.source,
        "to": passage.destination,
        "at": passage.time.ToJsonString(),
        "reason": passage.reason,
        "message": passage.message,
    }
