"""Service addresses: which cluster IPs and node ports a Service gets."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from ipaddress import IPv4Address, IPv4Network
from typing import Protocol

from simulator.kubernetes import field_errors
from simulator.kubernetes.status import Cause, Object

NODE_PORTS = range(30000, 32768)


class ServiceAddresses(Protocol):
    """Where cluster IPs come from."""

    def contains(self, address: str) -> bool: ...

    def free(self, taken: AbstractSet[str]) -> str | None:
        """An address nobody has, or None when all are taken."""
        ...


class ServiceNetwork:
    """Cluster IPs out of one IPv4 network, lowest first; ``.1`` is the API server's own."""

    def __init__(self, network: str) -> None:
        self._network = IPv4Network(network)

    @property
    def api_server(self) -> str:
        return str(self._network.network_address + 1)

    def contains(self, address: str) -> bool:
        try:
            return IPv4Address(address) in self._network
        except ValueError:
            return False

    def free(self, taken: AbstractSet[str]) -> str | None:
        candidates = (str(host) for host in self._network.hosts())
        own = self.api_server
        return next((each for each in candidates if each != own and each not in taken), None)


def with_addresses(
    service: Object, addresses: ServiceAddresses, others: Iterable[Object]
) -> tuple[Object, list[Cause]]:
    """The service with cluster IP and node ports as its type asks, and why it can't have them."""
    spec = dict(service.get("spec") or {})
    neighbours = list(others)
    causes: list[Cause] = []
    if spec.get("type", "ClusterIP") == "ExternalName":
        return service, causes
    causes += _assign_cluster_ip(spec, addresses, _taken_addresses(neighbours))
    if spec.get("type") in {"NodePort", "LoadBalancer"}:
        spec["ports"] = _with_node_ports(spec.get("ports") or [], _taken_ports(neighbours))
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    spec.setdefault("internalTrafficPolicy", "Cluster")
    return {**service, "spec": spec}, causes


def _assign_cluster_ip(
    spec: Object, addresses: ServiceAddresses, taken: AbstractSet[str]
) -> list[Cause]:
    wanted = spec.get("clusterIP") or next(iter(spec.get("clusterIPs") or ()), "")
    causes: list[Cause] = []
    if not wanted:
        found = addresses.free(taken)
        if found is None:
            return [field_errors.invalid_whole("spec.clusterIPs", "all addresses are allocated")]
        wanted = found
    elif wanted != "None" and not addresses.contains(wanted):
        detail = "provided IP is not in the valid range of service IPs"
        causes = [field_errors.invalid("spec.clusterIPs", [wanted], detail)]
    elif wanted in taken:
        detail = "provided IP is already allocated"
        causes = [field_errors.invalid("spec.clusterIPs", [wanted], detail)]
    spec["clusterIP"] = wanted
    spec["clusterIPs"] = [wanted]
    return causes


def _taken_addresses(services: Iterable[Object]) -> set[str]:
    return {service["spec"].get("clusterIP", "") for service in services} - {"", "None"}


def _taken_ports(services: Iterable[Object]) -> set[int]:
    return {
        port["nodePort"]
        for service in services
        for port in service["spec"].get("ports") or ()
        if port.get("nodePort")
    }


def _with_node_ports(ports: list[Object], taken: set[int]) -> list[Object]:
    used = taken | {port["nodePort"] for port in ports if port.get("nodePort")}
    assigned = []
    for port in ports:
        number = port.get("nodePort") or next(each for each in NODE_PORTS if each not in used)
        used.add(number)
        assigned.append({**port, "nodePort": number})
    return assigned


def kept_addresses(live: Object, service: Object) -> Object:
    """An update that leaves out the addresses keeps those it has (as kube-apiserver patches it)."""
    old, spec = live.get("spec") or {}, dict(service.get("spec") or {})
    if spec.get("type", "ClusterIP") == "ExternalName" or old.get("type") == "ExternalName":
        return service
    for field in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        if not spec.get(field) and old.get(field):
            spec[field] = old[field]
    return {**service, "spec": spec}
