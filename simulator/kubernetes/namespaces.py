"""A namespace's life: it starts with a service account, and its content goes before it does."""

from simulator.kubernetes.database import Key
from simulator.kubernetes.objects import ChangeType, Propagation
from simulator.kubernetes.registry import Registry
from simulator.kubernetes.status import Object
from simulator.kubernetes.store import Commit, Store
from simulator.kubernetes.write_options import WriteOptions
from simulator.kubernetes.writes import Writes

INITIAL = ("default", "kube-node-lease", "kube-public", "kube-system")


class NamespaceLifecycle:
    def __init__(self, *, store: Store, registry: Registry, writes: Writes) -> None:
        self._store = store
        self._registry = registry
        self._writes = writes

    def on_commit(self, commit: Commit) -> None:
        obj = commit.now.object
        if commit.key.collection == "namespaces":
            if commit.type is ChangeType.ADDED:
                self._create_account(commit.key.name)
            elif commit.type is ChangeType.MODIFIED and _is_terminating(obj):
                self._empty(commit.key)
        elif commit.type is ChangeType.DELETED and commit.key.namespace:
            self._finish(Key("namespaces", "", commit.key.namespace))

    def _create_account(self, namespace: str) -> None:
        """The account pods run as when they name none."""
        accounts = self._registry.of_kind("ServiceAccount")
        account: Object = {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "default", "namespace": namespace},
        }
        self._writes.create(accounts, namespace, account, WriteOptions())

    def _empty(self, space: Key) -> None:
        for key in self._content(space.name):
            stored = self._store.get(key)
            if stored is not None and "deletionTimestamp" not in stored.object["metadata"]:
                self._writes.delete_at(key, Propagation.BACKGROUND)
        self._finish(space)

    def _finish(self, space: Key) -> None:
        stored = self._store.get(space)
        if stored is None or not _is_terminating(stored.object) or self._content(space.name):
            return
        self._writes.settle(space, {**stored.object, "spec": {}})

    def _content(self, namespace: str) -> list[Key]:
        collections = {each.collection for each in self._registry if each.namespaced}
        return [
            key
            for collection in sorted(collections)
            for key, _ in self._store.scan(collection, namespace)
        ]


def _is_terminating(namespace: Object) -> bool:
    return "deletionTimestamp" in namespace["metadata"]
