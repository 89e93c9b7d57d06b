from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.objects import Change, ChangeType
from simulator.kubernetes.status import ApiError, Object


def config_map(name: str, **metadata: object) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default", **metadata},
    }


def test_objects_are_found_by_kind_namespace_and_labels(server: ApiServer) -> None:
    server.create(config_map("b", labels={"x": "1"}))
    server.create(config_map("a"))
    assert server.get("ConfigMap", "a", "default")["metadata"]["name"] == "a"
    assert server.find("ConfigMap", "c", "default") is None
    assert [each["metadata"]["name"] for each in server.list("ConfigMap")] == ["a", "b"]
    assert len(server.list("ConfigMap", "default", {"x": "1"})) == 1
    assert server.list("ConfigMap", "kube-system") == []


def test_what_is_stored_is_the_servers_own(server: ApiServer) -> None:
    mine = {**config_map("a"), "data": {"k": "v"}}
    server.create(mine)
    mine["data"]["k"] = "changed"
    assert server.get("ConfigMap", "a", "default")["data"] == {"k": "v"}


def test_a_stale_update_conflicts(server: ApiServer) -> None:
    first = server.create(config_map("a"))
    server.update({**first, "data": {"n": "1"}})
    with pytest.raises(ApiError) as raised:
        server.update({**first, "data": {"n": "2"}})
    assert (raised.value.code, raised.value.reason) == (409, "Conflict")


def test_an_update_leaves_the_status_and_a_status_update_the_rest(server: ApiServer) -> None:
    spec = {"containers": [{"name": "c", "image": "x"}]}
    pod = server.create({**config_map("p"), "kind": "Pod", "spec": spec})
    running = server.update_status({**pod, "spec": {}, "status": {"phase": "Running"}})
    assert running["spec"] == pod["spec"]
    labelled = {**running["metadata"], "labels": {"a": "b"}}
    updated = server.update({**running, "metadata": labelled, "status": {"phase": "Failed"}})
    assert updated["status"] == {"phase": "Running"}
    assert updated["metadata"]["labels"] == {"a": "b"}


def test_a_deletion_of_another_uid_conflicts(server: ApiServer) -> None:
    server.create(config_map("a"))
    with pytest.raises(ApiError, match="Precondition failed"):
        server.delete("ConfigMap", "a", "default", uid="other")
    server.delete("ConfigMap", "a", "default")
    with pytest.raises(ApiError, match='configmaps "a" not found'):
        server.delete("ConfigMap", "a", "default")


def test_subscribers_see_changes_in_order_until_they_leave(server: ApiServer) -> None:
    seen: list[Change] = []
    leave = server.subscribe(seen.append)
    created = server.create(config_map("a"))
    server.update({**created, "data": {"k": "v"}})
    server.delete("ConfigMap", "a", "default")
    leave()
    server.create(config_map("b"))
    assert [change.type for change in seen] == [
        ChangeType.ADDED,
        ChangeType.MODIFIED,
        ChangeType.DELETED,
    ]
    versions = [int(change.object["metadata"]["resourceVersion"]) for change in seen]
    assert versions == sorted(set(versions))


def test_a_subscriber_that_writes_does_not_jump_the_queue(server: ApiServer) -> None:
    seen: list[str] = []

    def on_change(change: Change) -> None:
        if change.object["metadata"]["name"] == "first":
            server.create(config_map("second"))

    server.subscribe(on_change)
    server.subscribe(lambda change: seen.append(change.object["metadata"]["name"]))
    server.create(config_map("first"))
    assert seen == ["first", "second"]


@pytest.mark.parametrize(
    ("obj", "problem"),
    [
        ({"apiVersion": "v9", "kind": "Pod", "metadata": {"name": "a"}}, "no kind"),
        (config_map("a", namespace="none"), 'namespaces "none" not found'),
        (config_map("a", namespace=""), "empty namespace"),
        (config_map("a", resourceVersion="1"), "resourceVersion should not be set"),
        (config_map("a", ownerReferences=[{"kind": "Pod"}]), "Required value"),
    ],
)
def test_what_can_not_be_created(server: ApiServer, obj: Object, problem: str) -> None:
    with pytest.raises(ApiError, match=problem):
        server.create(obj)


def test_a_restart_finds_everything_and_counts_on(
    open_server: Callable[[Path], ApiServer], tmp_path: Path
) -> None:
    file = tmp_path / "cluster.sqlite"
    first = open_server(file)
    kept = first.create(config_map("kept"))
    first.create(config_map("removed"))
    first.delete("ConfigMap", "removed", "default")
    version = first.resource_version
    first.close()
    second = open_server(file)
    assert second.list("ConfigMap") == [kept]
    assert second.resource_version == version
    made = second.create(config_map("new"))
    assert int(made["metadata"]["resourceVersion"]) == version + 1


def test_generated_names_differ_and_repeat_with_the_uids(
    open_server: Callable[[], ApiServer],
) -> None:
    server = open_server()
    nameless = config_map("")
    del nameless["metadata"]["name"]
    nameless["metadata"]["generateName"] = "a-"
    names = [server.create(nameless)["metadata"]["name"] for _ in range(20)]
    assert len(set(names)) == 20
    assert all(name.startswith("a-") and len(name) == 7 for name in names)
