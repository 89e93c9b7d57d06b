"""Which pods answer for a Service now, read from its EndpointSlices."""

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.kubelet.pod_worker import SIMULATED_ANNOTATION
from simulator.kubernetes.objects import Objects
from simulator.kubernetes.status import Object

SERVICE_LABEL = "kubernetes.io/service-name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """``simulated_because`` says why nothing listens there, where that is so."""

    address: str
    port: int
    simulated_because: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePort:
    """One port of a Service; ``name`` is "" where a Service has but one."""

    namespace: str
    service: str
    name: str
    number: int

    def __str__(self) -> str:
        return f"Service {self.namespace}/{self.service} port {self.number}"


def service_ports(service: Object) -> Iterator[ServicePort]:
    """The TCP ports of a Service."""
    metadata = service["metadata"]
    for port in service["spec"].get("ports") or ():
        if port.get("protocol", "TCP") == "TCP":
            yield ServicePort(
                namespace=metadata["namespace"],
                service=metadata["name"],
                name=port.get("name", ""),
                number=port["port"],
            )


def ready_endpoints(objects: Objects, port: ServicePort) -> list[Endpoint]:
    """In the order of their slices."""
    return [
        _endpoint(objects, port, endpoint, number)
        for slice_, number in _slices(objects, port)
        for endpoint in slice_.get("endpoints") or ()
        if (endpoint.get("conditions") or {}).get("ready", True)
    ]


def why_none_is_ready(objects: Objects, port: ServicePort) -> str:
    """For people: what stands behind a port that no endpoint answers."""
    unready = [
        (endpoint.get("targetRef") or {}).get("name", endpoint["addresses"][0])
        for slice_, _ in _slices(objects, port)
        for endpoint in slice_.get("endpoints") or ()
    ]
    if unready:
        return f"{port} has no ready endpoint: not ready is {', '.join(unready)}"
    return f"{port} has no endpoint: it selects no pod that has an address"


def _slices(objects: Objects, port: ServicePort) -> Iterator[tuple[Object, int]]:
    """The slices that carry the port, with its number on the pods."""
    labels = {SERVICE_LABEL: port.service}
    for slice_ in objects.list("EndpointSlice", port.namespace, labels):
        for offered in slice_.get("ports") or ():
            if offered.get("name", "") == port.name and offered.get("port"):
                yield slice_, offered["port"]


def _endpoint(objects: Objects, port: ServicePort, endpoint: Object, number: int) -> Endpoint:
    target = endpoint.get("targetRef") or {}
    pod = None
    if target.get("kind") == "Pod":
        pod = objects.find("Pod", target["name"], port.namespace)
    annotations = (pod or {}).get("metadata", {}).get("annotations") or {}
    return Endpoint(
        address=endpoint["addresses"][0],
        port=number,
        simulated_because=annotations.get(SIMULATED_ANNOTATION),
    )
