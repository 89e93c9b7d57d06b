"""Workspace resources to engine values and back; the only file that knows both.

KAITO keeps the spec at the top level (``resource``, ``inference``, ``tuning``) and its own status
fields; the machine's state stands beside these in ``status``.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

from engine.capacity_type import CapacityType
from engine.conditions import kaito_state
from engine.phase import Phase
from engine.provisioning import Provisioner
from engine.reason import Reason
from engine.workspace import (
    CAPACITY_TYPES_ANNOTATION,
    FALLBACKS_ANNOTATION,
    FINALIZER,
    AccessMode,
    Adapter,
    Condition,
    ConditionType,
    DataDestination,
    DataSource,
    Endpoints,
    Inference,
    MachineState,
    Offering,
    OfferingRefusal,
    Passage,
    Plan,
    PresetChoice,
    Resource,
    Tuning,
    Workspace,
    WorkspaceRef,
    WorkspaceSpec,
)

Object = dict[str, Any]
OFFERING_ANNOTATIONS = frozenset({FALLBACKS_ANNOTATION, CAPACITY_TYPES_ANNOTATION})
Known = TypeVar("Known", bound=StrEnum)


def decode(item: Object) -> Workspace:
    """A stored Workspace object; one that no engine has seen yet is Pending since its creation."""
    metadata = item["metadata"]
    created = instant(metadata["creationTimestamp"])
    deleted = metadata.get("deletionTimestamp")
    return Workspace(
        ref=WorkspaceRef(namespace=metadata["namespace"], name=metadata["name"]),
        uid=metadata["uid"],
        resource_version=metadata.get("resourceVersion", ""),  # a dry run has none
        generation=metadata.get("generation", 1),
        created=created,
        deletion_requested=instant(deleted) if deleted else None,
        finalizer_held=FINALIZER in metadata.get("finalizers", ()),
        labels=metadata.get("labels", {}),
        annotations=plain_annotations(metadata.get("annotations") or {}),
        spec=decode_spec(item),
        machine=_decode_machine(item.get("status") or {}, created),
    )


def decode_spec(item: Object) -> WorkspaceSpec:
    """The top-level fields of a Workspace manifest, and the annotations that stand for fields."""
    inference, tuning = item.get("inference"), item.get("tuning")
    annotations = item.get("metadata", {}).get("annotations") or {}
    return WorkspaceSpec(
        resource=_decode_resource(item.get("resource") or {}, annotations),
        inference=None if inference is None else _decode_inference(inference),
        tuning=None if tuning is None else _decode_tuning(tuning),
    )


def _decode_resource(item: Object, annotations: Mapping[str, str]) -> Resource:
    selector = item.get("labelSelector") or {}
    single = {
        expression["key"]: expression["values"][0]
        for expression in selector.get("matchExpressions") or ()
        if expression.get("operator") == "In" and len(expression.get("values") or ()) == 1
    }
    return Resource(
        instance_type=item.get("instanceType", ""),
        count=item.get("count", 1),
        match_labels={**single, **(selector.get("matchLabels") or {})},
        preferred_nodes=tuple(item.get("preferredNodes") or ()),
        fallback_instance_types=_listed(annotations.get(FALLBACKS_ANNOTATION, "")),
        capacity_types=_listed(annotations.get(CAPACITY_TYPES_ANNOTATION, "")),
    )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(name for part in text.split(",") if (name := part.strip()))


def plain_annotations(annotations: Mapping[str, str]) -> dict[str, str]:
    """Those that do not stand for fields."""
    return {name: text for name, text in annotations.items() if name not in OFFERING_ANNOTATIONS}


def offering_annotations(resource: Resource) -> dict[str, str]:
    """What KAITO's resource has no fields for."""
    lists = {
        FALLBACKS_ANNOTATION: resource.fallback_instance_types,
        CAPACITY_TYPES_ANNOTATION: resource.capacity_types,
    }
    return {name: ", ".join(given) for name, given in lists.items() if given}


def _decode_preset(item: Object) -> PresetChoice:
    options = item.get("presetOptions") or {}
    return PresetChoice(
        name=item.get("name", ""),
        access_mode=AccessMode(item.get("accessMode", AccessMode.PUBLIC)),
        image=options.get("image", ""),
        image_pull_secrets=tuple(options.get("imagePullSecrets") or ()),
        model_access_secret=options.get("modelAccessSecret", ""),
    )


def _decode_inference(item: Object) -> Inference:
    preset = item.get("preset")
    return Inference(
        preset=None if preset is None else _decode_preset(preset),
        template=item.get("template"),
        config=item.get("config", ""),
        adapters=tuple(
            Adapter(
                source=_decode_source(adapter.get("source") or {}),
                strength=adapter.get("strength") or "1.0",
            )
            for adapter in item.get("adapters") or ()
        ),
    )


def _decode_tuning(item: Object) -> Tuning:
    preset, source, destination = item.get("preset"), item.get("input"), item.get("output")
    return Tuning(
        preset=None if preset is None else _decode_preset(preset),
        method=item.get("method", ""),
        config=item.get("config", ""),
        input=None if source is None else _decode_source(source),
        output=None
        if destination is None
        else DataDestination(
            image=destination.get("image", ""),
            image_push_secret=destination.get("imagePushSecret", ""),
            volume=destination.get("volumeSource"),
        ),
    )


def _decode_source(item: Object) -> DataSource:
    return DataSource(
        name=item.get("name", ""),
        urls=tuple(item.get("urls") or ()),
        image=item.get("image", ""),
        image_pull_secrets=tuple(item.get("imagePullSecrets") or ()),
        volume=item.get("volumeSource"),
    )


def encode_spec(spec: WorkspaceSpec) -> Object:
    """The top-level fields of a manifest; what is empty is left out."""
    resource = _dense(
        instanceType=spec.resource.instance_type,
        count=spec.resource.count,
        labelSelector={"matchLabels": dict(spec.resource.match_labels)},
        preferredNodes=list(spec.resource.preferred_nodes),
    )
    return _dense(
        resource=resource,
        inference=None if spec.inference is None else _encode_inference(spec.inference),
        tuning=None if spec.tuning is None else _encode_tuning(spec.tuning),
    )


def _encode_preset(preset: PresetChoice | None) -> Object | None:
    if preset is None:
        return None
    return _dense(
        name=preset.name,
        accessMode=preset.access_mode.value,
        presetOptions=_dense(
            image=preset.image,
            imagePullSecrets=list(preset.image_pull_secrets),
            modelAccessSecret=preset.model_access_secret,
        ),
    )


def _encode_inference(inference: Inference) -> Object:
    return _dense(
        preset=_encode_preset(inference.preset),
        template=inference.template,
        config=inference.config,
        adapters=[
            _dense(source=_encode_source(adapter.source), strength=adapter.strength)
            for adapter in inference.adapters
        ],
    )


def _encode_tuning(tuning: Tuning) -> Object:
    output = tuning.output
    return _dense(
        preset=_encode_preset(tuning.preset),
        method=tuning.method,
        config=tuning.config,
        input=None if tuning.input is None else _encode_source(tuning.input),
        output=None
        if output is None
        else _dense(
            image=output.image,
            imagePushSecret=output.image_push_secret,
            volumeSource=output.volume,
        ),
    )


def _encode_source(source: DataSource) -> Object:
    return _dense(
        name=source.name,
        urls=list(source.urls),
        image=source.image,
        imagePullSecrets=list(source.image_pull_secrets),
        volumeSource=source.volume,
    )


def _dense(**fields: Any) -> Object:
    return {key: value for key, value in fields.items() if value not in (None, "", [], {})}


def _decode_machine(status: Object, created: datetime) -> MachineState:
    """A phase that we do not know is another version's: the machine begins anew, and adopts all."""
    conditions = status.get("conditions") or ()
    ours = tuple(_decode_condition(item) for item in conditions if _is_ours(item))
    foreign = tuple(item for item in conditions if not _is_ours(item))
    phase = _known(Phase, status.get("phase"))
    if phase is None:
        return MachineState(since=created, conditions=ours, foreign_conditions=foreign)
    plan = status.get("plan")
    endpoints = status.get("endpoints") or {}
    return MachineState(
        phase=phase,
        since=instant(status["phaseSince"]),
        deadline=_optional_instant(status.get("deadline")),
        reason=_known(Reason, status["reason"]) or Reason.FINALIZER_PENDING,
        message=status.get("message", ""),
        waiting_for=status.get("waitingFor", ""),
        remedy=status.get("remedy", ""),
        attempt=status.get("attempt", 1),
        plan=None if plan is None else _decode_plan(plan),
        revision=status.get("revision", ""),
        planned_generation=status.get("observedGeneration", 0),
        handled_retry=status.get("handledRetry", ""),
        silent_since=_optional_instant(status.get("silentSince")),
        replacements=tuple(status.get("replacements") or ()),
        replaced_at=_optional_instant(status.get("replacedAt")),
        claims_seen=tuple(status.get("claimsSeen") or ()),
        candidate=status.get("candidate", 0),
        refused=tuple(_decode_refusal(item) for item in status.get("refusedOfferings") or ()),
        own_nodes=tuple(status.get("ownNodes") or ()),
        worker_nodes=tuple(status.get("workerNodes") or ()),
        endpoints=Endpoints(
            http=endpoints.get("http", ""),
            triton_http=endpoints.get("tritonHTTP", ""),
            triton_grpc=endpoints.get("tritonGRPC", ""),
            metrics=endpoints.get("metrics", ""),
        ),
        conditions=ours,
        foreign_conditions=foreign,
        history=tuple(_decode_passages(status.get("history") or ())),
    )


def _known(kind: type[Known], value: str | None) -> Known | None:
    try:
        return kind(value or "")
    except ValueError:
        return None


def _is_ours(condition: Object) -> bool:
    return _known(ConditionType, condition["type"]) is not None


def _decode_plan(item: Object) -> Plan:
    return Plan(
        preset=item["preset"],
        instance_type=item["instanceType"],
        node_count=item["nodeCount"],
        gpus_per_node=item["gpusPerNode"],
        disk_gib=item["diskGiB"],
        why=item["why"],
        capacity_type=CapacityType(item.get("capacityType", CapacityType.ON_DEMAND)),
        provisioner=Provisioner(item.get("provisioner", Provisioner.NODE_CLAIM)),
    )


def _decode_refusal(item: Object) -> OfferingRefusal:
    return OfferingRefusal(
        offering=Offering(
            instance_type=item["instanceType"], capacity_type=CapacityType(item["capacityType"])
        ),
        reason=item["reason"],
        message=item.get("message", ""),
    )


def _decode_condition(item: Object) -> Condition:
    return Condition(
        type=ConditionType(item["type"]),
        status=item["status"] == "True",
        reason=item["reason"],
        message=item["message"],
        since=instant(item["lastTransitionTime"]),
        observed_generation=item.get("observedGeneration", 0),
    )


def _decode_passages(items: Iterable[Object]) -> Iterator[Passage]:
    """Those of another version's phases are left out."""
    for item in items:
        passage = _passage(
            item["from"], item["to"], item["at"], item["reason"], item.get("message", "")
        )
        if passage is not None:
            yield passage


@lru_cache(maxsize=8192)
def _passage(source: str, destination: str, at: str, reason: str, message: str) -> Passage | None:
    """Remembered: a workspace's history is read again with every look, and hardly changes."""
    left, entered, why = _known(Phase, source), _known(Phase, destination), _known(Reason, reason)
    if not (left and entered and why):
        return None
    return Passage(source=left, destination=entered, at=instant(at), reason=why, message=message)


def encode_status(machine: MachineState) -> Object:
    """Every field of the status, null where there is none, so that a merge patch removes it."""
    plan = machine.plan
    return {
        "phase": machine.phase.value,
        "phaseSince": rfc3339(machine.since),
        "deadline": _optional_rfc3339(machine.deadline),
        "reason": machine.reason.value,
        "message": machine.message,
        "waitingFor": machine.waiting_for or None,
        "remedy": machine.remedy or None,
        "attempt": machine.attempt,
        "plan": None if plan is None else _encode_plan(plan),
        "targetNodeCount": None if plan is None else plan.node_count,
        "revision": machine.revision or None,
        "observedGeneration": machine.planned_generation,
        "handledRetry": machine.handled_retry or None,
        "silentSince": _optional_rfc3339(machine.silent_since),
        "replacements": list(machine.replacements),
        "replacedAt": _optional_rfc3339(machine.replaced_at),
        "claimsSeen": list(machine.claims_seen),
        "candidate": machine.candidate,
        "refusedOfferings": [_encode_refusal(refusal) for refusal in machine.refused],
        "ownNodes": list(machine.own_nodes),
        "state": kaito_state(machine.phase),
        "workerNodes": list(machine.worker_nodes),
        "endpoints": {
            "http": machine.endpoints.http or None,
            "tritonHTTP": machine.endpoints.triton_http or None,
            "tritonGRPC": machine.endpoints.triton_grpc or None,
            "metrics": machine.endpoints.metrics or None,
        },
        "conditions": [
            *(_encode_condition(condition) for condition in machine.conditions),
            *machine.foreign_conditions,
        ],
        "history": [_encode_passage(passage) for passage in machine.history],
    }


def _encode_plan(plan: Plan) -> Object:
    return {
        "preset": plan.preset,
        "instanceType": plan.instance_type,
        "nodeCount": plan.node_count,
        "gpusPerNode": plan.gpus_per_node,
        "diskGiB": plan.disk_gib,
        "why": plan.why,
        "capacityType": plan.capacity_type.value,
        "provisioner": plan.provisioner.value,
    }


def _encode_refusal(refusal: OfferingRefusal) -> Object:
    return {
        "instanceType": refusal.offering.instance_type,
        "capacityType": refusal.offering.capacity_type.value,
        "reason": refusal.reason,
        "message": refusal.message,
    }


def _encode_condition(condition: Condition) -> Object:
    return {
        "type": condition.type.value,
        "status": "True" if condition.status else "False",
        "reason": condition.reason,
        "message": condition.message,
        "lastTransitionTime": whole_seconds(condition.since),
        "observedGeneration": condition.observed_generation,
    }


def _encode_passage(passage: Passage) -> Object:
    return {
        "from": passage.source.value,
        "to": passage.destination.value,
        "at": rfc3339(passage.at),
        "reason": passage.reason.value,
        "message": passage.message,
    }


@lru_cache(maxsize=8192)
def instant(text: str) -> datetime:
    """An RFC 3339 instant, with any offset, as aware UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def _optional_instant(text: str | None) -> datetime | None:
    return None if not text else instant(text)


def rfc3339(moment: datetime) -> str:
    """RFC 3339 with microseconds (metav1.MicroTime): what is read equals what was saved."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _optional_rfc3339(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def whole_seconds(moment: datetime) -> str:
    """metav1.Time, which conditions use, has no fractions."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def manifest(ref: WorkspaceRef, spec: WorkspaceSpec, metadata: Mapping[str, Any]) -> Object:
    """A whole Workspace object, as it is created."""
    annotations = {**metadata.get("annotations", {}), **offering_annotations(spec.resource)}
    return {
        "apiVersion": "kaito.sh/v1beta1",
        "kind": "Workspace",
        "metadata": {
            "namespace": ref.namespace,
            "name": ref.name,
            **metadata,
            **({"annotations": annotations} if annotations else {}),
        },
        **encode_spec(spec),
    }
