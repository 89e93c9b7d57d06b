"""Engine values to protobuf messages."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, assert_never

from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from api.names import INSTANCE_TYPES_PREFIX, PRESETS_PREFIX, workspace_name
from api.v1 import catalog_service_pb2 as catalog
from api.v1 import workspace_pb2 as pb
from api.v1 import workspace_service_pb2 as service
from engine.capacity_type import CapacityType
from engine.explanation import Explanation
from engine.instance_types import InstanceType, find_instance_type
from engine.nodes.agent_pool import AgentPoolRequest
from engine.nodes.claim import NodePassage, NodeState
from engine.nodes.explanation import NodeClaimExplanation
from engine.phase import RESTING, Phase
from engine.presets import Preset, WeightsSource
from engine.sizing import PlanRefusal
from engine.workspace import (
    AccessMode,
    Condition,
    DataDestination,
    DataSource,
    Endpoints,
    Inference,
    Offering,
    OfferingRefusal,
    Passage,
    Plan,
    PresetChoice,
    Tuning,
    Workspace,
    WorkspaceSpec,
)


def state_of(phase: Phase) -> pb.State.ValueType:  # noqa: PLR0911 — one return a state
    match phase:
        case Phase.PENDING | Phase.PLANNING:
            return pb.STATE_PENDING
        case Phase.PROVISIONING | Phase.DEPLOYING | Phase.LOADING:
            return pb.STATE_STARTING
        case Phase.READY:
            return pb.STATE_READY
        case Phase.DEGRADED:
            return pb.STATE_DEGRADED
        case Phase.UPDATING:
            return pb.STATE_UPDATING
        case Phase.FAILED:
            return pb.STATE_FAILED
        case Phase.DELETING:
            return pb.STATE_DELETING
        case _:
            assert_never(phase)


def workspace_message(workspace: Workspace) -> pb.Workspace:
    machine = workspace.machine
    return pb.Workspace(
        name=workspace_name(workspace.ref),
        uid=workspace.uid,
        etag=workspace.resource_version,
        generation=workspace.generation,
        create_time=_timestamp(workspace.created),
        delete_time=_timestamp(workspace.deletion_requested),
        labels=workspace.labels,
        annotations=workspace.annotations,
        **spec_fields(workspace.spec),
        state=state_of(machine.phase),
        reconciling=machine.phase not in RESTING,
        phase=machine.phase,
        reason=machine.reason,
        message=machine.message,
        waiting_for=machine.waiting_for,
        remedy=machine.remedy,
        phase_since_time=_timestamp(machine.since),
        deadline_time=_timestamp(machine.deadline),
        attempt=machine.attempt,
        plan=plan_message(machine.plan) if machine.plan else None,
        endpoints=_endpoints(machine.endpoints),
        conditions=[_condition(condition) for condition in machine.conditions],
        history=[_passage(passage) for passage in machine.history],
        worker_nodes=machine.worker_nodes,
        refused_offerings=[_offering_refusal(refusal) for refusal in machine.refused],
    )


_CAPACITY_TYPES = {
    CapacityType.ON_DEMAND: pb.CAPACITY_TYPE_ON_DEMAND,
    CapacityType.SPOT: pb.CAPACITY_TYPE_SPOT,
}


def spec_fields(spec: WorkspaceSpec) -> dict[str, Any]:
    return {
        "resource": pb.Resource(
            instance_type=spec.resource.instance_type,
            count=spec.resource.count,
            match_labels=spec.resource.match_labels,
            preferred_nodes=spec.resource.preferred_nodes,
            fallback_instance_types=spec.resource.fallback_instance_types,
            capacity_types=[
                _CAPACITY_TYPES[CapacityType(name)]
                for name in spec.resource.capacity_types
                if name in set(CapacityType)
            ],
        ),
        "inference": _inference_message(spec.inference) if spec.inference else None,
        "tuning": _tuning_message(spec.tuning) if spec.tuning else None,
    }


def _inference_message(inference: Inference) -> pb.Inference:
    return pb.Inference(
        preset=_preset_choice_message(inference.preset) if inference.preset else None,
        template=_struct(inference.template),
        config=inference.config,
        adapters=[
            pb.Adapter(source=_source_message(adapter.source), strength=adapter.strength)
            for adapter in inference.adapters
        ],
    )


def _tuning_message(tuning: Tuning) -> pb.Tuning:
    return pb.Tuning(
        preset=_preset_choice_message(tuning.preset) if tuning.preset else None,
        method=tuning.method,
        config=tuning.config,
        input=_source_message(tuning.input) if tuning.input else None,
        output=_destination_message(tuning.output) if tuning.output else None,
    )


_ACCESS_MODES = {
    AccessMode.PUBLIC: pb.PresetChoice.ACCESS_MODE_PUBLIC,
    AccessMode.PRIVATE: pb.PresetChoice.ACCESS_MODE_PRIVATE,
}


def _preset_choice_message(preset: PresetChoice) -> pb.PresetChoice:
    return pb.PresetChoice(
        name=preset.name,
        access_mode=_ACCESS_MODES[preset.access_mode],
        image=preset.image,
        image_pull_secrets=preset.image_pull_secrets,
        model_access_secret=preset.model_access_secret,
    )


def _source_message(source: DataSource) -> pb.DataSource:
    return pb.DataSource(
        name=source.name,
        urls=source.urls,
        image=source.image,
        image_pull_secrets=source.image_pull_secrets,
        volume=_struct(source.volume),
    )


def _destination_message(output: DataDestination) -> pb.DataDestination:
    return pb.DataDestination(
        image=output.image,
        image_push_secret=output.image_push_secret,
        volume=_struct(output.volume),
    )


def plan_message(plan: Plan) -> pb.Plan:
    return pb.Plan(
        preset=plan.preset,
        instance_type=plan.instance_type,
        node_count=plan.node_count,
        gpus_per_node=plan.gpus_per_node,
        disk_gib=plan.disk_gib,
        why=plan.why,
        capacity_type=_CAPACITY_TYPES[plan.capacity_type],
    )


def candidate_message(offering: Offering, outcome: Plan | PlanRefusal) -> service.Candidate:
    instance_type = find_instance_type(offering.instance_type)
    message = service.Candidate(
        instance_type=offering.instance_type,
        capacity_type=_CAPACITY_TYPES[offering.capacity_type],
        family=instance_type.family if instance_type else "",
    )
    if isinstance(outcome, Plan):
        message.plan.CopyFrom(plan_message(outcome))
    else:
        message.refusal.CopyFrom(refusal_message(outcome))
    return message


def _offering_refusal(refusal: OfferingRefusal) -> pb.OfferingRefusal:
    return pb.OfferingRefusal(
        instance_type=refusal.offering.instance_type,
        capacity_type=_CAPACITY_TYPES[refusal.offering.capacity_type],
        reason=refusal.reason,
        message=refusal.message,
    )


def refusal_message(refusal: PlanRefusal) -> service.PlanRefusal:
    return service.PlanRefusal(
        reason=refusal.reason, message=refusal.message, remedy=refusal.remedy
    )


def explanation_message(
    explanation: Explanation, node_claims: Iterable[NodeClaimExplanation]
) -> service.Explanation:
    return service.Explanation(
        state=state_of(explanation.phase),
        phase=explanation.phase,
        since_time=_timestamp(explanation.since),
        deadline_time=_timestamp(explanation.deadline),
        waiting_for=explanation.waiting_for,
        reason=explanation.reason,
        message=explanation.message,
        remedy=explanation.remedy,
        history=[_passage(passage) for passage in explanation.history],
        overdue=explanation.overdue,
        conditions=[_condition(condition) for condition in explanation.conditions],
        node_claims=[_node_claim(claim) for claim in node_claims],
    )


def _node_claim(claim: NodeClaimExplanation) -> service.NodeClaim:
    message = service.NodeClaim(
        name=claim.name,
        reason=claim.reason,
        message=claim.message,
        ready=claim.ready,
        instance_type=claim.instance_type,
        node=claim.node,
    )
    if claim.capacity_type is not None:
        message.capacity_type = _CAPACITY_TYPES[claim.capacity_type]
    if claim.machine is not None:
        message.MergeFrom(_node_machine(claim.machine))
    if claim.machine is not None and claim.pool is not None:
        message.agent_pool.CopyFrom(_agent_pool(claim.pool, claim.machine.pool_state))
    return message


def _node_machine(state: NodeState) -> service.NodeClaim:
    """What only a machine can tell."""
    return service.NodeClaim(
        phase=state.phase,
        since_time=_timestamp(state.since),
        deadline_time=_timestamp(state.deadline),
        waiting_for=state.waiting_for,
        remedy=state.remedy,
        history=[_passage(passage) for passage in state.history],
    )


def _agent_pool(asked: AgentPoolRequest, state: str) -> service.AgentPool:
    return service.AgentPool(
        name=asked.name,
        vm_size=asked.vm_size,
        count=1,
        labels=asked.labels,
        taints=[str(taint) for taint in asked.taints],
        state=state,
    )


def _endpoints(endpoints: Endpoints) -> pb.Endpoints:
    return pb.Endpoints(
        http=endpoints.http,
        triton_http=endpoints.triton_http,
        triton_grpc=endpoints.triton_grpc,
        metrics=endpoints.metrics,
    )


def _condition(condition: Condition) -> pb.Condition:
    return pb.Condition(
        type=condition.type,
        status=pb.Condition.STATUS_TRUE if condition.status else pb.Condition.STATUS_FALSE,
        reason=condition.reason,
        message=condition.message,
        last_transition_time=_timestamp(condition.since),
        observed_generation=condition.observed_generation,
    )


def _passage(passage: Passage | NodePassage) -> pb.Passage:
    return pb.Passage(
        source=passage.source,
        destination=passage.destination,
        time=_timestamp(passage.at),
        reason=passage.reason,
        message=passage.message,
    )


_WEIGHTS_SOURCES = {
    WeightsSource.PACKAGE: catalog.Preset.WEIGHTS_SOURCE_PACKAGE,
    WeightsSource.HUGGING_FACE: catalog.Preset.WEIGHTS_SOURCE_HUGGING_FACE,
}


def preset_message(preset: Preset) -> catalog.Preset:
    return catalog.Preset(
        name=PRESETS_PREFIX + preset.name,
        model_id=preset.model_id,
        architecture=preset.architecture,
        license=preset.license,
        weights_gib=preset.weights_gib,
        disk_gib=preset.disk_gib,
        token_limit=preset.token_limit,
        kv_bytes_per_token=preset.kv_bytes_per_token,
        weights_source=_WEIGHTS_SOURCES[preset.weights_source],
        needs_gpu=preset.needs_gpu,
        tunable=preset.tunable,
    )


def instance_type_message(instance_type: InstanceType) -> catalog.InstanceType:
    return catalog.InstanceType(
        name=INSTANCE_TYPES_PREFIX + instance_type.name,
        gpus=instance_type.gpus,
        gpu_model=instance_type.gpu_model,
        gpu_memory_gib=instance_type.gpu_memory_gib,
        vcpus=instance_type.vcpus,
        memory_gib=instance_type.memory_gib,
        family=instance_type.family,
        retirement_date=instance_type.retired.isoformat() if instance_type.retired else "",
        local=instance_type.local,
    )


def _timestamp(instant: datetime | None) -> Timestamp | None:
    if instant is None:
        return None
    timestamp = Timestamp()
    timestamp.FromDatetime(instant)
    return timestamp


def _struct(value: Mapping[str, Any] | None) -> Struct | None:
    if value is None:
        return None
    struct = Struct()
    struct.update(dict(value))
    return struct
