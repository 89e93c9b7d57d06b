"""EndpointSlices (discovery.k8s.io/v1) and, for old clients, Endpoints (v1) of Services."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from simulator.controllers.controller import Key, key_of, owner_keys
from simulator.controllers.endpoints import (
    Ports,
    backends,
    hostname_in,
    is_serving,
    selects_pods,
    target_of,
)
from simulator.controllers.ownership import is_terminating, owner_reference
from simulator.controllers.pods import is_ready
from simulator.controllers.template_hash import safe_hash
from simulator.kubernetes.objects import Change, Objects
from simulator.kubernetes.status import Object

SERVICE_LABEL = "kubernetes.io/service-name"
SLICE_MANAGER_LABEL = "endpointslice.kubernetes.io/managed-by"
SLICE_MANAGER = "endpointslice-controller.k8s.io"
ENDPOINTS_MANAGER_LABEL = "endpoints.kubernetes.io/managed-by"
ENDPOINTS_MANAGER = "endpoint-controller"
ENDPOINTS_PER_SLICE = 100


def services_of(objects: Objects, change: Change) -> Iterable[Key]:
    """The Services that ``change`` concerns: of one, of a pod behind it, or of what lists the pods.

    A pod that leaves a Service by a change of its labels is found through the slices that list it.
    """
    obj = change.object
    match obj["kind"]:
        case "Service" | "Endpoints":
            return [key_of(obj)]
        case "EndpointSlice":
            return owner_keys(obj, "Service")
    namespace = obj["metadata"]["namespace"]
    labels = obj["metadata"].get("labels", {})
    selecting = {
        service["metadata"]["name"]
        for service in objects.list("Service", namespace)
        if selects_pods(service) and service["spec"]["selector"].items() <= labels.items()
    }
    listing = {
        item["metadata"]["labels"][SERVICE_LABEL]
        for item in objects.list("EndpointSlice", namespace, {SLICE_MANAGER_LABEL: SLICE_MANAGER})
        if any(
            e.get("targetRef", {}).get("uid") == obj["metadata"]["uid"] for e in item["endpoints"]
        )
    }
    return [Key(namespace, name) for name in sorted(selecting | listing)]


class EndpointSliceController:
    name = "endpointslice-controller"
    watches = ("Service", "Pod", "EndpointSlice")

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def affected(self, change: Change) -> Iterable[Key]:
        return services_of(self._objects, change)

    def reconcile(self, key: Key) -> float | None:
        service = self._objects.find("Service", key.name, key.namespace)
        if service is None or is_terminating(service) or not selects_pods(service):
            return None
        wanted = {item["metadata"]["name"]: item for item in self._wanted(service)}
        labels = {SERVICE_LABEL: key.name, SLICE_MANAGER_LABEL: SLICE_MANAGER}
        for present in self._objects.list("EndpointSlice", key.namespace, labels):
            name = present["metadata"]["name"]
            slice_ = wanted.pop(name, None)
            if slice_ is None:
                self._objects.delete("EndpointSlice", name, key.namespace)
            elif any(present.get(field) != slice_[field] for field in ("endpoints", "ports")):
                self._objects.update({**present, **_content(slice_)})
        for slice_ in wanted.values():
            self._objects.create(slice_)
        return None

    def _wanted(self, service: Object) -> Iterator[Object]:
        """At least one slice, even an empty one: clients wait for it to learn of a Service."""
        pods = self._objects.list("Pod", service["metadata"]["namespace"])
        groups = backends(service, pods) or {(): []}
        number = 0
        for ports, members in groups.items():
            for start in range(0, max(1, len(members)), ENDPOINTS_PER_SLICE):
                part = members[start : start + ENDPOINTS_PER_SLICE]
                yield _build_slice(service, number, ports, part)
                number += 1


class EndpointsController:
    name = "endpoint-controller"
    watches = ("Service", "Pod", "Endpoints")

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def affected(self, change: Change) -> Iterable[Key]:
        return services_of(self._objects, change)

    def reconcile(self, key: Key) -> float | None:
        service = self._objects.find("Service", key.name, key.namespace)
        present = self._objects.find("Endpoints", key.name, key.namespace)
        if service is None:
            labels = present["metadata"].get("labels", {}) if present else {}
            if labels.get(ENDPOINTS_MANAGER_LABEL) == ENDPOINTS_MANAGER:
                self._objects.delete("Endpoints", key.name, key.namespace)
        elif selects_pods(service) and not is_terminating(service):
            pods = self._objects.list("Pod", key.namespace)
            wanted = _build_endpoints(service, backends(service, pods))
            if present is None:
                self._objects.create(wanted)
            elif present.get("subsets", []) != wanted["subsets"]:
                self._objects.update({**present, "subsets": wanted["subsets"]})
        return None


def _content(slice_: Object) -> Object:
    return {field: slice_[field] for field in ("endpoints", "ports")}


def _build_slice(service: Object, number: int, ports: Ports, pods: Sequence[Object]) -> Object:
    metadata = service["metadata"]
    headless = {"service.kubernetes.io/headless": ""} if _is_headless(service) else {}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{metadata['name']}-{safe_hash(metadata['uid'], number, length=5)}",
            "namespace": metadata["namespace"],
            "labels": {
                **metadata.get("labels", {}),
                **headless,
                SERVICE_LABEL: metadata["name"],
                SLICE_MANAGER_LABEL: SLICE_MANAGER,
            },
            "ownerReferences": [owner_reference(service)],
        },
        "addressType": "IPv4",
        "endpoints": [_endpoint(service, pod) for pod in pods],
        "ports": [{"name": port.name, **port.as_dict()} for port in ports],
    }


def _endpoint(service: Object, pod: Object) -> Object:
    endpoint: Object = {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {
            "ready": is_serving(service, pod),
            "serving": is_ready(pod),
            "terminating": is_terminating(pod),
        },
        "targetRef": target_of(pod),
    }
    if node_name := pod["spec"].get("nodeName"):
        endpoint["nodeName"] = node_name
    if hostname := hostname_in(service, pod):
        endpoint["hostname"] = hostname
    return endpoint


def _build_endpoints(service: Object, groups: Mapping[Ports, list[Object]]) -> Object:
    metadata = service["metadata"]
    headless = {"service.kubernetes.io/headless": ""} if _is_headless(service) else {}
    labels = {**metadata.get("labels", {}), **headless, ENDPOINTS_MANAGER_LABEL: ENDPOINTS_MANAGER}
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "labels": labels,
        },
        "subsets": [_subset(service, ports, pods) for ports, pods in groups.items()],
    }


def _subset(service: Object, ports: Ports, pods: Sequence[Object]) -> Object:
    subset: Object = {}
    for pod in pods:
        serving = is_serving(service, pod)
        field = "addresses" if serving else "notReadyAddresses"
        subset.setdefault(field, []).append(_address(service, pod))
    if ports:
        subset["ports"] = [port.as_dict() for port in ports]
    return subset


def _address(service: Object, pod: Object) -> Object:
    address: Object = {"ip": pod["status"]["podIP"], "targetRef": target_of(pod)}
    if node_name := pod["spec"].get("nodeName"):
        address["nodeName"] = node_name
    if hostname := hostname_in(service, pod):
        address["hostname"] = hostname
    return address


def _is_headless(service: Object) -> bool:
    return bool(service["spec"].get("clusterIP") == "None")
