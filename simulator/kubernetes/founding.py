"""What a cluster has from its first moment."""

from simulator.kubernetes.namespaces import INITIAL
from simulator.kubernetes.objects import Objects
from simulator.kubernetes.services import ServiceAddresses, ServiceNetwork
from simulator.kubernetes.status import Object


def found_cluster(objects: Objects, addresses: ServiceAddresses) -> None:
    """Makes the first namespaces, and the Service through which pods would reach the API."""
    for name in INITIAL:
        if objects.find("Namespace", name) is None:
            objects.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    if objects.find("Service", "kubernetes", "default") is None:
        objects.create(_api_service(addresses))


def _api_service(addresses: ServiceAddresses) -> Object:
    spec: Object = {"ports": [{"name": "https", "port": 443, "targetPort": 6443}]}
    if isinstance(addresses, ServiceNetwork):
        spec["clusterIP"] = addresses.api_server
    labels = {"component": "apiserver", "provider": "kubernetes"}
    metadata = {"name": "kubernetes", "namespace": "default", "labels": labels}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
