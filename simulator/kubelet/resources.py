"""Resource quantities of a pod: its quality of service class and the downward API's figures."""

import math
from decimal import Decimal

from simulator.controllers.quantities import Resources, parse
from simulator.kubernetes.status import Object

_COMPUTE = ("cpu", "memory")


def qos_class(spec: Object) -> str:
    """Guaranteed, Burstable or BestEffort, by CPU and memory of all containers."""
    pairs = [_compute(container) for container in _containers(spec)]
    if not any(requests or limits for requests, limits in pairs):
        return "BestEffort"
    guaranteed = all(
        len(limits) == len(_COMPUTE) and requests == limits for requests, limits in pairs
    )
    return "Guaranteed" if guaranteed else "Burstable"


def resource_field(pod: Object, container: Object, reference: Object) -> str:
    """``resourceFieldRef``: the amount in units of the divisor, rounded up; "0" where unset."""
    name = reference.get("containerName")
    containers = _containers(pod["spec"])
    subject = next((one for one in containers if one["name"] == name), container)
    section, _, resource = str(reference["resource"]).partition(".")
    amount = ((subject.get("resources") or {}).get(section) or {}).get(resource, "0")
    divisor = parse(reference.get("divisor") or "1") or Decimal(1)
    return str(math.ceil(parse(amount) / divisor))


def _containers(spec: Object) -> list[Object]:
    return [*(spec.get("initContainers") or ()), *spec["containers"]]


def _compute(container: Object) -> tuple[Resources, Resources]:
    """Requests and limits; a limit without a request is a request too."""
    resources = container.get("resources") or {}
    limits = _positive(resources.get("limits"))
    return {**limits, **_positive(resources.get("requests"))}, limits


def _positive(amounts: Object | None) -> Resources:
    parsed = {name: parse(value) for name, value in (amounts or {}).items() if name in _COMPUTE}
    return {name: value for name, value in parsed.items() if value > 0}
