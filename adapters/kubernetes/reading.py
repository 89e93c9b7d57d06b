"""From Kubernetes objects to what the engine observes: pure functions, one a kind."""

import json
from collections.abc import Iterator
from typing import Any

from adapters.kubernetes.labels import (
    GPU_RESOURCE,
    INSTANCE_TYPE_LABEL,
    POOL_LABELS,
    REVISION_ANNOTATION,
    SIMULATED_ANNOTATION,
    SUBSTITUTE_PORTS_ANNOTATION,
    owner_uid,
)
from adapters.kubernetes.node_dialect import NODE_CLAIM_DIALECT, NodeDialect
from engine.nodes.reason import TERMINAL
from engine.observation import (
    Answer,
    Holding,
    HoldingKind,
    Node,
    NodeClaim,
    Replica,
    Trouble,
    Workload,
)
from engine.reason import Reason
from engine.workspace import Endpoints

Object = dict[str, Any]

MESSAGE_LENGTH = 256
"""KAITO cuts messages taken from pods and claims at this length."""

SIGNAL_OFFSET = 128
"""A container that a signal ended has this, and the signal's number, as its exit code."""

REFUSALS = TERMINAL | {"InvalidInstanceType", "NodeClassNotFound"}
"""Reasons with which a provisioner says that asking again for the same will not help."""

PRESSURES = ("DiskPressure", "MemoryPressure", "PIDPressure")

IMAGE_ERRORS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
    }
)
START_ERRORS = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
)


def node_claim(item: Object, dialect: NodeDialect = NODE_CLAIM_DIALECT) -> NodeClaim:
    status = item.get("status") or {}
    conditions = {c["type"]: c for c in status.get("conditions") or ()}
    unmet = [
        conditions[kind]
        for kind in dialect.lifecycle
        if kind in conditions and conditions[kind]["status"] != "True"
    ]
    refusal = next((c for c in unmet if _refuses(c)), None)
    waiting: Object = refusal or next(iter(unmet), {})
    ready = conditions.get("Ready", {}).get("status") == "True"
    return NodeClaim(
        name=item["metadata"]["name"],
        ready=ready,
        node=status.get("nodeName", ""),
        reason="" if ready else waiting.get("reason", ""),
        message="" if ready else waiting.get("message", "")[:MESSAGE_LENGTH],
        refused=refusal is not None,
        releasing=_releasing(item),
    )


def _refuses(condition: Object) -> bool:
    return condition["status"] == "False" and condition.get("reason") in REFUSALS


def node(item: Object) -> Node:
    status = item.get("status") or {}
    labels = item["metadata"].get("labels") or {}
    true = {c["type"] for c in status.get("conditions") or () if c["status"] == "True"}
    return Node(
        name=item["metadata"]["name"],
        ready="Ready" in true and not _releasing(item),
        gpus=int((status.get("allocatable") or {}).get(GPU_RESOURCE, "0")),
        instance_type=labels.get(INSTANCE_TYPE_LABEL, ""),
        pool=next((labels[key] for key in POOL_LABELS if key in labels), ""),
        pressures=tuple(pressure for pressure in PRESSURES if pressure in true),
    )


def holding(item: Object, kind: HoldingKind) -> Holding:
    return Holding(
        kind=kind,
        name=item["metadata"]["name"],
        uid=item["metadata"]["uid"],
        workspace_uid=owner_uid(item),
        releasing=_releasing(item),
    )


def workload(item: Object) -> Workload:
    return Workload(
        revision=_annotation(item, REVISION_ANNOTATION),
        replicas=item["spec"].get("replicas", 1),
        version=item["metadata"].get("resourceVersion", ""),
        releasing=_releasing(item),
    )


def replica(item: Object, answer: Answer = Answer.NOT_ASKED, silence: str = "") -> Replica:
    status = item.get("status") or {}
    containers = status.get("containerStatuses") or ()
    wanted = len(item["spec"]["containers"])
    conditions = {c["type"]: c for c in status.get("conditions") or ()}
    return Replica(
        name=item["metadata"]["name"],
        uid=item["metadata"]["uid"],
        revision=_annotation(item, REVISION_ANNOTATION),
        started=sum("running" in (c.get("state") or {}) for c in containers) == wanted,
        ready=conditions.get("Ready", {}).get("status") == "True",
        progress=_progress(status),
        restarts=max((c.get("restartCount", 0) for c in _all_containers(status)), default=0),
        trouble=next(_troubles(status, conditions), None),
        answer=answer,
        silence=silence,
        simulated=_annotation(item, SIMULATED_ANNOTATION),
        releasing=_releasing(item),
    )


def _all_containers(status: Object) -> Iterator[Object]:
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()


def _progress(status: Object) -> str:
    """The first container that is neither running well nor done, in words."""
    for container in _all_containers(status):
        state = container.get("state") or {}
        if "waiting" in state:
            return f"{container['name']} is waiting ({state['waiting'].get('reason', '')})"
        if "running" in state and not container.get("ready", False):
            return f"{container['name']} is running"
    return ""


def _troubles(status: Object, conditions: dict[str, Object]) -> Iterator[Trouble]:
    """In order of how much each explains: memory, image, start, crash, placement."""
    states = [(c, c.get("state") or {}) for c in _all_containers(status)]
    for container, state in states:
        ended = state.get("terminated") or (container.get("lastState") or {}).get("terminated", {})
        if ended.get("reason") == "OOMKilled" and not container.get("ready", False):
            yield Trouble(
                reason=Reason.CONTAINER_OOM_KILLED,
                message=f"container {container['name']} ran out of memory",
            )
    for container, state in states:
        yield from _waiting(container, state.get("waiting") or {})
    for container, state in states:
        yield from _crash(container, state)
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        yield Trouble(
            reason=Reason.UNSCHEDULABLE,
            message=scheduled.get("message", "")[:MESSAGE_LENGTH],
        )


def _waiting(container: Object, waiting: Object) -> Iterator[Trouble]:
    reason = waiting.get("reason", "")
    message = f"container {container['name']}: {waiting.get('message') or reason}"[:MESSAGE_LENGTH]
    if reason == "InvalidImageName":
        yield Trouble(reason=Reason.IMAGE_NAME_INVALID, message=message, final=True)
    elif reason in IMAGE_ERRORS:
        yield Trouble(reason=Reason.IMAGE_PULL_ERROR, message=message)
    elif reason in START_ERRORS:
        yield Trouble(reason=Reason.CONTAINER_START_ERROR, message=message)
    elif reason == "CrashLoopBackOff":
        ended = (container.get("lastState") or {}).get("terminated") or {}
        yield Trouble(
            reason=Reason.CRASH_LOOP,
            message=f"container {container['name']} {_ending(ended)}; restarted "
            f"{container.get('restartCount', 0)} time(s), waiting to try again",
        )


def _crash(container: Object, state: Object) -> Iterator[Trouble]:
    ended = state.get("terminated")
    if ended is None and not container.get("ready", False):
        ended = (container.get("lastState") or {}).get("terminated")
    if ended is not None and ended.get("exitCode", 0) != 0:
        yield Trouble(
            reason=Reason.CONTAINER_CRASHED,
            message=f"container {container['name']} {_ending(ended)}",
        )


def _ending(ended: Object) -> str:
    """How a container ended; of a log that stands in for a message, the last line that says any."""
    code = ended.get("exitCode", 0)
    if code > SIGNAL_OFFSET:
        return f"was killed by signal {code - SIGNAL_OFFSET} (exit code {code})"
    lines = [line.strip() for line in (ended.get("message") or "").splitlines() if line.strip()]
    detail = f": {lines[-1]}"[:MESSAGE_LENGTH] if lines else ""
    return f"ended with exit code {code}{detail}"


def endpoints(service: Object) -> Endpoints:
    """Where the workspace's Service answers, with the ports that stand in where 80 may not bind."""
    address = service["spec"].get("clusterIP", "")
    if not address or address == "None":
        return Endpoints()
    substitutes = json.loads(_annotation(service, SUBSTITUTE_PORTS_ANNOTATION) or "{}")
    ports = {
        port["name"]: substitutes.get(str(port["port"]), port["port"])
        for port in service["spec"].get("ports") or ()
        if "name" in port
    }
    http = ports.get("http", 80)
    return Endpoints(
        http=f"http://{address}" if http == 80 else f"http://{address}:{http}",  # noqa: PLR2004
        triton_http=f"{address}:{ports.get('triton-http', 8000)}",
        triton_grpc=f"{address}:{ports.get('triton-grpc', 8001)}",
        metrics=f"http://{address}:{ports.get('metrics', 8002)}/metrics",
    )


def _annotation(item: Object, name: str) -> str:
    value: str = (item["metadata"].get("annotations") or {}).get(name, "")
    return value


def _releasing(item: Object) -> bool:
    return "deletionTimestamp" in item["metadata"]
