"""NodeClaims, and Machines, between Kubernetes' objects and the engine's values.

What consumers read is in the status, as Karpenter has it. What else the machine remembers is in one
annotation: the schema of Karpenter's own CRD would drop it from the status.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from adapters.kubernetes.labels import INSTANCE_TYPE_LABEL
from adapters.kubernetes.node_dialect import NODE_CLAIM_DIALECT, NodeDialect
from adapters.kubernetes.quantities import gibibytes
from adapters.kubernetes.workspace_codec import instant, rfc3339, whole_seconds
from engine.capacity_type import CapacityType
from engine.nodes.agent_pool import Taint
from engine.nodes.claim import (
    FINALIZER,
    ClaimCondition,
    ConditionStatus,
    NodeClaim,
    NodeClaimRef,
    NodeClaimSpec,
    NodePassage,
    NodeState,
)
from engine.nodes.phase import NodePhase
from engine.nodes.reason import NodeReason

Object = dict[str, Any]

STATE_ANNOTATION = "moorage.sh/node-claim-state"
IMAGE_FAMILY_ANNOTATION = "kaito.sh/node-image-family"
SKU_LABEL = "karpenter.azure.com/sku-name"
CAPACITY_TYPE_LABEL = "karpenter.sh/capacity-type"
ZONE_LABEL = "topology.kubernetes.io/zone"
OS_SKUS = {"ubuntu": "Ubuntu", "azurelinux": "AzureLinux"}

RESERVED = ("kubernetes.io", "k8s.io", "kubernetes.azure.com")
"""AKS refuses labels under these, and sets those that matter itself."""


def decode_claim(item: Object, dialect: NodeDialect = NODE_CLAIM_DIALECT) -> NodeClaim:
    metadata = item["metadata"]
    deleted = metadata.get("deletionTimestamp")
    created = instant(metadata["creationTimestamp"])
    return NodeClaim(
        ref=NodeClaimRef(name=metadata["name"]),
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        created=created,
        spec=_spec(item, dialect),
        machine=_state(item, created, dialect),
        deletion_requested=instant(deleted) if deleted else None,
        finalizer_held=FINALIZER in (metadata.get("finalizers") or ()),
    )


def _spec(item: Object, dialect: NodeDialect) -> NodeClaimSpec:
    spec = item["spec"]
    wanted = dict(_requirements(spec))
    requests = (spec.get("resources") or {}).get("requests") or {}
    annotations = item["metadata"].get("annotations") or {}
    family = annotations.get(IMAGE_FAMILY_ANNOTATION, "").lower()
    return NodeClaimSpec(
        instance_type=_first(wanted, INSTANCE_TYPE_LABEL) or _first(wanted, SKU_LABEL),
        capacity_type=CapacityType.SPOT
        if wanted.get(CAPACITY_TYPE_LABEL) == (CapacityType.SPOT.value,)
        else CapacityType.ON_DEMAND,
        disk_gib=gibibytes(str(requests.get("storage") or requests.get("ephemeral-storage") or 0)),
        os_sku=OS_SKUS.get(family, OS_SKUS["ubuntu"]),
        zones=tuple(zone.rpartition("-")[2] for zone in wanted.get(ZONE_LABEL, ())),
        labels=_pool_labels(item, wanted, dialect),
        taints=_taints(spec.get("taints")),
        startup_taints=_taints(spec.get("startupTaints")),
    )


def _requirements(spec: Object) -> Iterator[tuple[str, tuple[str, ...]]]:
    for requirement in spec.get("requirements") or ():
        if requirement["operator"] == "In":
            yield requirement["key"], tuple(requirement.get("values") or ())


def _first(wanted: Mapping[str, tuple[str, ...]], key: str) -> str:
    return next(iter(wanted.get(key, ())), "")


def _pool_labels(
    item: Object, wanted: Mapping[str, tuple[str, ...]], dialect: NodeDialect
) -> dict[str, str]:
    """The claim's labels, and those that gpu-provisioner's users select nodes by."""
    metadata = item["metadata"]
    size = _first(wanted, INSTANCE_TYPE_LABEL) or _first(wanted, SKU_LABEL)
    created = instant(metadata["creationTimestamp"])
    labels = {
        dialect.pool_label: dialect.pool,
        **(metadata.get("labels") or {}),
        "kaito.sh/machine-type": "gpu" if "standard_n" in size.lower() else "cpu",
        "kaito.sh/creation-timestamp": created.strftime("%Y-%m-%dT%H-%M-%SZ"),
    }
    return {
        key: value
        for key, value in labels.items()
        if key != CAPACITY_TYPE_LABEL and not _reserved(key)
    }


def _reserved(key: str) -> bool:
    domain = key.partition("/")[0] if "/" in key else ""
    return any(domain == held or domain.endswith(f".{held}") for held in RESERVED)


def _taints(items: Any) -> tuple[Taint, ...]:
    return tuple(
        Taint(key=item["key"], value=item.get("value", ""), effect=item["effect"])
        for item in items or ()
    )


def _state(item: Object, created: datetime, dialect: NodeDialect) -> NodeState:
    """A claim without a machine's memory, or with one that nobody can read, begins anew."""
    status = item.get("status") or {}
    told = {
        "conditions": tuple(_conditions(status, dialect)),
        "node_name": status.get("nodeName", ""),
        "provider_id": status.get("providerID", ""),
        "zone": (item["metadata"].get("labels") or {}).get(ZONE_LABEL, ""),
        "capacity": status.get("capacity") or {},
        "allocatable": status.get("allocatable") or {},
    }
    text = (item["metadata"].get("annotations") or {}).get(STATE_ANNOTATION, "")
    try:
        return _remembered(json.loads(text), told)
    except (ValueError, KeyError, TypeError):
        return NodeState(since=created, **told)


def _remembered(memory: Object, told: Mapping[str, Any]) -> NodeState:
    return NodeState(
        phase=NodePhase(memory["phase"]),
        since=instant(memory["since"]),
        deadline=_optional(memory.get("deadline")),
        reason=NodeReason(memory["reason"]),
        message=memory.get("message", ""),
        waiting_for=memory.get("waitingFor", ""),
        remedy=memory.get("remedy", ""),
        usable_since=_optional(memory.get("usableSince")),
        pool_state=memory.get("poolState", ""),
        history=tuple(_passage(*row) for row in memory.get("history", ())),
        **told,
    )


def _optional(text: str | None) -> datetime | None:
    return None if not text else instant(text)


def _passage(source: str, destination: str, at: str, reason: str, message: str) -> NodePassage:
    return NodePassage(
        source=NodePhase(source),
        destination=NodePhase(destination),
        at=instant(at),
        reason=NodeReason(reason),
        message=message,
    )


def _conditions(status: Object, dialect: NodeDialect) -> Iterator[ClaimCondition]:
    """Ours; those that others say of the claim are theirs to keep."""
    for item in status.get("conditions") or ():
        if (kind := dialect.condition_type(item["type"])) is not None:
            yield ClaimCondition(
                type=kind,
                status=ConditionStatus(item["status"]),
                reason=item.get("reason", ""),
                message=item.get("message", ""),
                since=instant(item["lastTransitionTime"]),
            )


def encode_state(state: NodeState) -> str:
    """The annotation's text: all that the status cannot hold."""
    memory = {
        "phase": state.phase.value,
        "since": rfc3339(state.since),
        "deadline": rfc3339(state.deadline) if state.deadline else "",
        "reason": state.reason.value,
        "message": state.message,
        "waitingFor": state.waiting_for,
        "remedy": state.remedy,
        "usableSince": rfc3339(state.usable_since) if state.usable_since else "",
        "poolState": state.pool_state,
        "history": [
            [p.source.value, p.destination.value, rfc3339(p.at), p.reason.value, p.message]
            for p in state.history
        ],
    }
    return json.dumps({key: value for key, value in memory.items() if value})


def encode_labels(claim: NodeClaim) -> dict[str, str]:
    """What the machine is, as Karpenter labels launched claims; kubectl's columns show it.

    Not before AKS took the request: what it refuses may be no proper value of a label.
    """
    if not claim.machine.pool_state:
        return {}
    labels = {
        INSTANCE_TYPE_LABEL: claim.spec.instance_type,
        CAPACITY_TYPE_LABEL: claim.spec.capacity_type.value,
        ZONE_LABEL: claim.machine.zone,
    }
    return {key: value for key, value in labels.items() if value}


def encode_status(
    state: NodeState, present: Object, dialect: NodeDialect = NODE_CLAIM_DIALECT
) -> Object:
    """As a merge patch's status; what others wrote into ``present`` stays."""
    told = present.get("conditions") or ()
    foreign = [item for item in told if dialect.condition_type(item["type"]) is None]
    return {
        "nodeName": state.node_name or None,
        "providerID": state.provider_id or None,
        "capacity": _in_place_of(present.get("capacity"), state.capacity),
        "allocatable": _in_place_of(present.get("allocatable"), state.allocatable),
        "conditions": [*(_encode_condition(one, dialect) for one in state.conditions), *foreign],
    }


def _in_place_of(
    present: Mapping[str, str] | None, wanted: Mapping[str, str]
) -> dict[str, str | None] | None:
    """A merge patch takes away only what it names."""
    return {**dict.fromkeys(present or {}), **wanted} or None


def _encode_condition(condition: ClaimCondition, dialect: NodeDialect) -> Object:
    return {
        "type": dialect.condition_name(condition.type),
        "status": condition.status.value,
        "reason": condition.reason,
        "message": condition.message,
        "lastTransitionTime": whole_seconds(condition.since),
    }
