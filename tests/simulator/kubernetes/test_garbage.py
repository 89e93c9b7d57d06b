from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.database import Database, Key
from simulator.kubernetes.objects import Propagation
from simulator.kubernetes.status import Object
from simulator.kubernetes.store import Store


def owned_by(*owners: Object, name: str = "owned", **metadata: object) -> Object:
    references = [
        {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            "blockOwnerDeletion": True,
        }
        for owner in owners
    ]
    metadata = {"name": name, "namespace": "default", "ownerReferences": references, **metadata}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


def names(server: ApiServer) -> list[str]:
    return [each["metadata"]["name"] for each in server.list("ConfigMap")]


def test_the_whole_family_goes(server: ApiServer) -> None:
    owner = server.create(owned_by(name="owner"))
    child = server.create(owned_by(owner, name="child"))
    server.create(owned_by(child, name="grandchild"))
    server.delete("ConfigMap", "owner", "default")
    assert names(server) == []


def test_one_owner_left_is_enough(server: ApiServer) -> None:
    first, second = (server.create(owned_by(name=name)) for name in ("first", "second"))
    server.create(owned_by(first, second))
    server.delete("ConfigMap", "first", "default")
    references = server.get("ConfigMap", "owned", "default")["metadata"]["ownerReferences"]
    assert [each["name"] for each in references] == ["second"]
    server.delete("ConfigMap", "second", "default")
    assert names(server) == []


@pytest.mark.parametrize("name", ["absent", "another life"])
def test_what_is_born_without_its_owner_does_not_stay(server: ApiServer, name: str) -> None:
    owner = server.create(owned_by(name="owner"))
    impostor = {**owner, "metadata": {**owner["metadata"], "uid": name}}
    server.create(owned_by(impostor))
    assert names(server) == ["owner"]


def test_an_owner_in_another_namespace_is_none(server: ApiServer) -> None:
    owner = server.create(owned_by(name="owner", namespace="kube-system"))
    server.create(owned_by(owner))
    assert names(server) == ["owner"]


def test_an_owner_of_an_unknown_kind_counts_as_present(server: ApiServer) -> None:
    owner = {"apiVersion": "example.org/v1", "kind": "Widget"}
    server.create(owned_by({**owner, "metadata": {"name": "w", "uid": "u"}}))
    assert names(server) == ["owned"]


def test_in_the_foreground_the_owner_waits_for_what_blocks_it(server: ApiServer) -> None:
    owner = server.create(owned_by(name="owner"))
    child = server.create(owned_by(owner, name="child"))
    held = server.create(owned_by(child, name="grandchild", finalizers=["example.org/hold"]))
    server.delete("ConfigMap", "owner", "default", propagation=Propagation.FOREGROUND)
    assert names(server) == ["child", "grandchild", "owner"]
    held = server.get("ConfigMap", "grandchild", "default")
    metadata = {key: value for key, value in held["metadata"].items() if key != "finalizers"}
    server.update({**held, "metadata": metadata})
    assert names(server) == []


def test_orphans_lose_their_reference(server: ApiServer) -> None:
    owner = server.create(owned_by(name="owner"))
    server.create(owned_by(owner))
    server.delete("ConfigMap", "owner", "default", propagation=Propagation.ORPHAN)
    assert names(server) == ["owned"]
    assert "ownerReferences" not in server.get("ConfigMap", "owned", "default")["metadata"]


def test_a_crash_between_owner_and_dependent_is_made_good(
    open_server: Callable[[Path], ApiServer], tmp_path: Path
) -> None:
    file = tmp_path / "cluster.sqlite"
    first = open_server(file)
    owner = first.create(owned_by(name="owner"))
    first.create(owned_by(owner))
    first.close()
    store = Store(Database(file))
    store.remove(Key("configmaps", "default", "owner"), owner)
    store.close()
    assert names(open_server(file)) == []
