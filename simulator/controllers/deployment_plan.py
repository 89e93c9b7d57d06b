"""How a Deployment moves replicas from its old ReplicaSets to the new one: pure decisions.

After kube-controller-manager's rolling.go: never more than ``replicas + maxSurge`` pods, never
fewer available ones than ``replicas - maxUnavailable``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from simulator.controllers.int_or_percent import rounded_down, rounded_up
from simulator.kubernetes.status import Object


@dataclass(frozen=True, slots=True)
class Scale:
    replica_set: Object
    replicas: int


def desired_replicas(deployment: Object) -> int:
    count: int = deployment["spec"].get("replicas", 1)
    return count


def max_surge(deployment: Object) -> int:
    if _strategy_type(deployment) != "RollingUpdate":
        return 0
    value = _rolling_update(deployment).get("maxSurge", "25%")
    return rounded_up(value, desired_replicas(deployment))


def max_unavailable(deployment: Object) -> int:
    """At least 1 where nothing may surge, or the roll-out could never begin."""
    if _strategy_type(deployment) != "RollingUpdate":
        return 0
    desired = desired_replicas(deployment)
    value = rounded_down(_rolling_update(deployment).get("maxUnavailable", "25%"), desired)
    if value == 0 and max_surge(deployment) == 0:
        return 1
    return min(value, desired)


def plan(deployment: Object, new: Object, old: Sequence[Object]) -> list[Scale]:
    """The changes due now; the rest follows once pods have come or gone."""
    if deployment["spec"].get("paused"):
        return _resize(deployment, new, old)
    if _strategy_type(deployment) == "Recreate":
        return _recreate(deployment, new, old)
    return _grow_new(deployment, new, old) or _shrink_old(deployment, new, old)


def spec_replicas(replica_set: Object) -> int:
    count: int = replica_set["spec"].get("replicas", 1)
    return count


def status_count(replica_set: Object, field: str) -> int:
    count: int = replica_set.get("status", {}).get(field, 0)
    return count


def _resize(deployment: Object, new: Object, old: Sequence[Object]) -> list[Scale]:
    """While paused nothing is rolled out, but the only active set follows ``replicas``."""
    active = [item for item in (*old, new) if spec_replicas(item)]
    if len(active) != 1:
        return []
    return list(_changed(active[0], desired_replicas(deployment)))


def _recreate(deployment: Object, new: Object, old: Sequence[Object]) -> list[Scale]:
    shrinking = [scale for item in old for scale in _changed(item, 0)]
    if shrinking or any(_has_pods(item) for item in old):
        return shrinking
    return list(_changed(new, desired_replicas(deployment)))


def _grow_new(deployment: Object, new: Object, old: Sequence[Object]) -> list[Scale]:
    desired = desired_replicas(deployment)
    total = sum(map(spec_replicas, (new, *old)))
    room = max(0, desired + max_surge(deployment) - total)
    return list(_changed(new, min(desired, spec_replicas(new) + room)))


def _shrink_old(deployment: Object, new: Object, old: Sequence[Object]) -> list[Scale]:
    """Waits until every set has counted its pods, or it would count on pods that are leaving."""
    everyone = (new, *old)
    if any(_is_unobserved(item) for item in everyone):
        return []
    needed = desired_replicas(deployment) - max_unavailable(deployment)
    spare = max(0, sum(map(spec_replicas, everyone)) - needed - _idle(new))
    sizes = [spec_replicas(item) for item in old]
    for share in (map(_idle, old), tuple(sizes)):  # pods that serve nobody go first
        for place, most in enumerate(share):
            removed = min(most, sizes[place], spare)
            sizes[place] -= removed
            spare -= removed
    return [scale for item, size in zip(old, sizes, strict=True) for scale in _changed(item, size)]


def _idle(replica_set: Object) -> int:
    return max(0, spec_replicas(replica_set) - status_count(replica_set, "availableReplicas"))


def _has_pods(replica_set: Object) -> bool:
    """Whether any of its pods may still run, or it has not counted them yet."""
    counts = ("replicas", "terminatingReplicas")
    return _is_unobserved(replica_set) or any(status_count(replica_set, c) for c in counts)


def _changed(replica_set: Object, replicas: int) -> Iterator[Scale]:
    if spec_replicas(replica_set) != replicas:
        yield Scale(replica_set, replicas)


def _is_unobserved(replica_set: Object) -> bool:
    generation: int = replica_set["metadata"].get("generation", 0)
    return status_count(replica_set, "observedGeneration") < generation


def _strategy_type(deployment: Object) -> str:
    return str(deployment["spec"].get("strategy", {}).get("type", "RollingUpdate"))


def _rolling_update(deployment: Object) -> Object:
    return dict(deployment["spec"].get("strategy", {}).get("rollingUpdate", {}))
