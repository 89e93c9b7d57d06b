"""Which pods stand behind a Service, on which ports: pure. Read by both endpoint controllers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from simulator.controllers.ownership import is_terminating
from simulator.controllers.pods import is_finished, is_ready
from simulator.kubernetes.status import Object


@dataclass(frozen=True, slots=True, order=True)
class Port:
    """A service port as one pod answers it."""

    name: str
    port: int
    protocol: str
    app_protocol: str = ""

    def as_dict(self) -> Object:
        described: Object = {"port": self.port, "protocol": self.protocol}
        if self.name:
            described["name"] = self.name
        if self.app_protocol:
            described["appProtocol"] = self.app_protocol
        return described


Ports = tuple[Port, ...]


def selects_pods(service: Object) -> bool:
    """A Service without a selector has its endpoints from someone else."""
    spec = service["spec"]
    return bool(spec.get("selector")) and spec.get("type") != "ExternalName"


def backends(service: Object, pods: Iterable[Object]) -> Mapping[Ports, list[Object]]:
    """The selected pods that have an address, by the ports they answer."""
    selector = service["spec"]["selector"]
    groups: dict[Ports, list[Object]] = {}
    for pod in pods:
        labels = pod["metadata"].get("labels", {})
        selected = all(labels.get(key) == value for key, value in selector.items())
        if selected and pod.get("status", {}).get("podIP") and not is_finished(pod):
            groups.setdefault(ports_of(service, pod), []).append(pod)
    return dict(sorted(groups.items()))


def ports_of(service: Object, pod: Object) -> Ports:
    """A port whose name the pod does not know is left out, as Kubernetes does."""
    resolved = []
    for item in service["spec"].get("ports", ()):
        protocol = item.get("protocol", "TCP")
        target = item.get("targetPort") or item["port"]
        number = target if isinstance(target, int) else _named_port(pod, target, protocol)
        if number is not None:
            app_protocol = item.get("appProtocol", "")
            resolved.append(Port(item.get("name", ""), number, protocol, app_protocol))
    return tuple(resolved)


def is_serving(service: Object, pod: Object) -> bool:
    """Whether the pod is listed as ready to anyone who asks."""
    if service["spec"].get("publishNotReadyAddresses"):
        return True
    return is_ready(pod) and not is_terminating(pod)


def target_of(pod: Object) -> Object:
    metadata = pod["metadata"]
    return {
        "kind": "Pod",
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "uid": metadata["uid"],
    }


def hostname_in(service: Object, pod: Object) -> str:
    """The pod's own name in DNS, where this Service governs it."""
    spec = pod["spec"]
    governed = spec.get("subdomain") == service["metadata"]["name"]
    return str(spec.get("hostname", "")) if governed else ""


def _named_port(pod: Object, name: str, protocol: str) -> int | None:
    spec = pod["spec"]
    sidecars = [i for i in spec.get("initContainers", ()) if i.get("restartPolicy") == "Always"]
    for container in [*spec["containers"], *sidecars]:
        for port in container.get("ports", ()):
            if port.get("name") == name and port.get("protocol", "TCP") == protocol:
                number: int = port["containerPort"]
                return number
    return None
