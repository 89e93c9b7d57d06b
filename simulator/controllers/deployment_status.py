"""What a Deployment reports: counts, and the conditions that ``kubectl rollout status`` reads."""

from collections.abc import Sequence
from datetime import datetime

from simulator.clock import rfc3339
from simulator.controllers.conditions import (
    condition,
    find_condition,
    seconds_left,
    with_conditions,
)
from simulator.controllers.deployment_plan import (
    desired_replicas,
    max_unavailable,
    status_count,
)
from simulator.kubernetes.status import Object

_SUMS = ("replicas", "readyReplicas", "availableReplicas", "terminatingReplicas")


def status(deployment: Object, new: Object, old: Sequence[Object], now: datetime) -> Object:
    before = deployment.get("status", {})
    everyone = (new, *old)
    counts = {field: sum(status_count(item, field) for item in everyone) for field in _SUMS}
    counts["updatedReplicas"] = status_count(new, "replicas")
    counts["unavailableReplicas"] = max(
        0, max(counts["replicas"], desired_replicas(deployment)) - counts["availableReplicas"]
    )
    conditions = [
        _available(deployment, counts),
        *_progressing(deployment, new, counts, now),
    ]
    return {
        **before,
        **counts,
        "observedGeneration": deployment["metadata"].get("generation", 0),
        "conditions": _dated(deployment, conditions, counts, now),
    }


def deadline_in(deployment: Object, now: datetime) -> float | None:
    """Seconds until the roll-out counts as stuck; None where it is complete, stuck or untimed."""
    progressing = find_condition(deployment, "Progressing")
    if progressing is None or progressing["reason"] in _AT_REST:
        return None
    limit = deployment["spec"].get("progressDeadlineSeconds", 600)
    return seconds_left(progressing["lastUpdateTime"], limit, now)


_AT_REST = ("NewReplicaSetAvailable", "ProgressDeadlineExceeded", "DeploymentPaused")


def _available(deployment: Object, counts: Object) -> Object:
    needed = desired_replicas(deployment) - max_unavailable(deployment)
    if counts["availableReplicas"] >= needed:
        reason, message = "MinimumReplicasAvailable", "Deployment has minimum availability."
        return condition("Available", "True", reason, message)
    reason = "MinimumReplicasUnavailable"
    message = "Deployment does not have minimum availability."
    return condition("Available", "False", reason, message)


def _progressing(deployment: Object, new: Object, counts: Object, now: datetime) -> list[Object]:
    name = new["metadata"]["name"]
    if deployment["spec"].get("paused"):
        return [condition("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")]
    if _is_complete(deployment, counts):
        message = f'ReplicaSet "{name}" has successfully progressed.'
        return [condition("Progressing", "True", "NewReplicaSetAvailable", message)]
    if find_condition(deployment, "Progressing") is None:
        message = f'Created new replica set "{name}"'
        return [condition("Progressing", "True", "NewReplicaSetCreated", message)]
    if _has_progressed(deployment, counts):
        message = f'ReplicaSet "{name}" is progressing.'
        return [condition("Progressing", "True", "ReplicaSetUpdated", message)]
    left = deadline_in(deployment, now)
    if left is not None and left <= 0:
        message = f'ReplicaSet "{name}" has timed out progressing.'
        return [condition("Progressing", "False", "ProgressDeadlineExceeded", message)]
    return []


def _is_complete(deployment: Object, counts: Object) -> bool:
    desired = desired_replicas(deployment)
    reached = (counts["updatedReplicas"], counts["replicas"], counts["availableReplicas"])
    return reached == (desired, desired, desired)


def _has_progressed(deployment: Object, counts: Object) -> bool:
    """As upstream: a new generation, more new pods, fewer old ones, or more that serve."""
    before = deployment.get("status", {})
    old_now = counts["replicas"] - counts["updatedReplicas"]
    old_before = before.get("replicas", 0) - before.get("updatedReplicas", 0)
    grown = any(
        counts[field] > before.get(field, 0)
        for field in ("updatedReplicas", "readyReplicas", "availableReplicas")
    )
    generation = deployment["metadata"].get("generation", 0)
    return grown or old_now < old_before or before.get("observedGeneration", 0) < generation


def _dated(
    deployment: Object, changed: list[Object], counts: Object, now: datetime
) -> list[Object]:
    """``lastUpdateTime`` is the last progress, from which the deadline runs."""
    present = {item["type"]: item for item in deployment.get("status", {}).get("conditions", ())}
    dated = []
    for item in changed:
        before = present.get(item["type"], {})
        same = all(before.get(field) == value for field, value in item.items())
        moved = item["reason"] == "ReplicaSetUpdated" and _has_progressed(deployment, counts)
        since = before["lastUpdateTime"] if same and not moved else rfc3339(now)
        dated.append({**item, "lastUpdateTime": since})
    return with_conditions(list(present.values()), dated, now)
