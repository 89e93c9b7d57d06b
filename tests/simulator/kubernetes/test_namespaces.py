import pytest

from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.namespaces import INITIAL
from simulator.kubernetes.status import ApiError, Object


def test_a_cluster_starts_with_namespaces_accounts_and_its_own_service(server: ApiServer) -> None:
    assert tuple(each["metadata"]["name"] for each in server.list("Namespace")) == INITIAL
    accounts = [each["metadata"]["namespace"] for each in server.list("ServiceAccount")]
    assert tuple(accounts) == INITIAL
    assert server.get("Service", "kubernetes", "default")["spec"]["clusterIP"] == "127.64.250.1"


def test_a_namespace_waits_for_pods_to_end(server: ApiServer) -> None:
    server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}})
    spec = {"nodeName": "somewhere", "containers": [{"name": "c", "image": "x"}]}
    metadata = {"name": "p", "namespace": "n"}
    server.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    server.delete("Namespace", "n")
    assert server.get("Namespace", "n")["status"]["phase"] == "Terminating"
    assert server.get("Pod", "p", "n")["metadata"]["deletionGracePeriodSeconds"] == 30
    server.delete("Pod", "p", "n", grace_period_seconds=0)
    assert server.find("Namespace", "n") is None


@pytest.mark.parametrize("name", ["default", "kube-public", "kube-system"])
def test_some_namespaces_stay(server: ApiServer, name: str) -> None:
    with pytest.raises(ApiError, match="this namespace may not be deleted"):
        server.delete("Namespace", name)


def test_content_of_other_namespaces_stays(server: ApiServer) -> None:
    made: Object = {"apiVersion": "v1", "kind": "Namespace"}
    for name in ("one", "two"):
        server.create({**made, "metadata": {"name": name}})
    server.delete("Namespace", "one")
    assert [each["metadata"]["namespace"] for each in server.list("ServiceAccount", "two")] == [
        "two"
    ]
