import pytest

from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.services import ServiceNetwork
from simulator.kubernetes.status import ApiError, Object


def service(name: str, **spec: object) -> Object:
    metadata = {"name": name, "namespace": "default"}
    whole = {"ports": [{"port": 80}], **spec}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": whole}


def test_addresses_are_given_out_once_and_again_after_deletion(server: ApiServer) -> None:
    first = server.create(service("a"))["spec"]["clusterIP"]
    assert server.create(service("b"))["spec"]["clusterIP"] != first
    server.delete("Service", "a", "default")
    assert server.create(service("c"))["spec"]["clusterIP"] == first


def test_a_network_runs_out() -> None:
    network = ServiceNetwork("127.64.0.0/30")
    assert network.free(set()) == "127.64.0.2"
    assert network.free({"127.64.0.2"}) is None


@pytest.mark.parametrize("address", ["10.0.0.1", "nonsense"])
def test_an_address_of_another_network_is_refused(server: ApiServer, address: str) -> None:
    with pytest.raises(ApiError, match="not in the valid range"):
        server.create(service("a", clusterIP=address))


def test_node_ports_differ(server: ApiServer) -> None:
    ports = [{"name": "a", "port": 80}, {"name": "b", "port": 81}]
    made = [server.create(service(name, type="NodePort", ports=ports)) for name in ("a", "b")]
    numbers = [port["nodePort"] for each in made for port in each["spec"]["ports"]]
    assert numbers == [30000, 30001, 30002, 30003]


def test_an_external_name_has_no_address(server: ApiServer) -> None:
    made = server.create(service("a", type="ExternalName", externalName="example.org"))
    assert "clusterIP" not in made["spec"]
