"""What a pod asks of its node."""

from decimal import Decimal

from simulator.controllers.quantities import Resources, largest, parse_all, total
from simulator.kubernetes.status import Object


def requests(pod: Object) -> Resources:
    """The pod's effective requests, itself counted under ``pods``.

    Init containers run one after the other before the rest, except those with restartPolicy
    Always (sidecars), which stay: Kubernetes, "Pod lifecycle, resource sharing within containers".
    """
    spec = pod["spec"]
    lasting = total(_container_requests(item) for item in spec["containers"])
    peaks: list[Resources] = []
    sidecars: Resources = {}
    for container in spec.get("initContainers", ()):
        own = _container_requests(container)
        if container.get("restartPolicy") == "Always":
            sidecars = total([sidecars, own])
            peaks.append(sidecars)
        else:
            peaks.append(total([sidecars, own]))
    needed = largest([total([lasting, sidecars]), *peaks])
    return total([needed, parse_all(spec.get("overhead", {})), {"pods": Decimal(1)}])


def _container_requests(container: Object) -> Resources:
    """A limit without a request is a request (as the API server's defaulting has it)."""
    resources = container.get("resources", {})
    return parse_all({**resources.get("limits", {}), **resources.get("requests", {})})
