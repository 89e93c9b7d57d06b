"""Whether a PodDisruptionBudget forbids that a pod be evicted just now.

Read from the budgets' specs, since no controller keeps their status. The pods that match are taken
for all there should be, where Kubernetes asks their controllers how many they want.
"""

from simulator.controllers.int_or_percent import rounded_up
from simulator.controllers.label_selector import matches
from simulator.controllers.ownership import is_terminating
from simulator.controllers.pods import is_finished, is_running_and_ready
from simulator.kubernetes.objects import Objects
from simulator.kubernetes.status import Object


def forbids_eviction(objects: Objects, pod: Object) -> bool:
    """A pod that serves nobody may always go."""
    if not is_running_and_ready(pod):
        return False
    namespace, labels = pod["metadata"]["namespace"], pod["metadata"].get("labels") or {}
    return any(
        matches(budget["spec"].get("selector") or {}, labels) and _allowed(objects, budget) <= 0
        for budget in objects.list("PodDisruptionBudget", namespace)
    )


def _allowed(objects: Objects, budget: Object) -> int:
    """How many of the budget's pods may go now."""
    spec = budget["spec"]
    pods = [
        pod
        for pod in objects.list("Pod", budget["metadata"]["namespace"])
        if matches(spec.get("selector") or {}, pod["metadata"].get("labels") or {})
        and not is_finished(pod)
    ]
    healthy = sum(is_running_and_ready(pod) and not is_terminating(pod) for pod in pods)
    if "maxUnavailable" in spec:
        return healthy - len(pods) + rounded_up(spec["maxUnavailable"], len(pods))
    return healthy - rounded_up(spec.get("minAvailable", 1), len(pods))
