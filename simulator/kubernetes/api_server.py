"""The simulated Kubernetes API server, free of any transport.

One synchronous core (store, registry, writes) that changes between two ``await``s or not at all.
Controllers in this process reach it through ``Objects``; every other client through ``handle``.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from simulator.clock import Clock
from simulator.kubernetes.built_in_resources import BUILT_IN
from simulator.kubernetes.database import Database, Key
from simulator.kubernetes.deletion import DeleteOptions
from simulator.kubernetes.garbage import GarbageCollector
from simulator.kubernetes.json_values import copied
from simulator.kubernetes.namespaces import INITIAL, NamespaceLifecycle
from simulator.kubernetes.objects import Change, Propagation
from simulator.kubernetes.pod_streams import PodStreams
from simulator.kubernetes.registry import Registry
from simulator.kubernetes.resources import Resource
from simulator.kubernetes.selectors import has_labels
from simulator.kubernetes.services import ServiceAddresses
from simulator.kubernetes.status import Object
from simulator.kubernetes.store import Store, as_change
from simulator.kubernetes.writes import WriteOptions, Writes


class ApiServer:
    """Implements ``simulator.kubernetes.objects.Objects``."""

    def __init__(
        self,
        *,
        clock: Clock,
        new_uid: Callable[[], str],
        database: Path | None,
        service_addresses: ServiceAddresses,
        pod_streams: PodStreams | None = None,
    ) -> None:
        """Opens or makes the SQLite file ``database``; with None all is kept in memory."""
        self._store = Store(Database(database))
        self._registry = Registry(BUILT_IN)
        self.pod_streams = pod_streams
        self._writes = Writes(
            store=self._store,
            registry=self._registry,
            clock=clock,
            new_uid=new_uid,
            service_addresses=service_addresses,
        )
        garbage = GarbageCollector(store=self._store, registry=self._registry, writes=self._writes)
        namespaces = NamespaceLifecycle(
            store=self._store, registry=self._registry, writes=self._writes
        )
        self._store.subscribe(garbage.on_commit)
        self._store.subscribe(namespaces.on_commit)
        self._found_cluster()
        garbage.sweep()

    def close(self) -> None:
        self._store.close()

    def _found_cluster(self) -> None:
        """Makes what every cluster has from its start."""
        for name in INITIAL:
            if self.find("Namespace", name) is None:
                space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
                self.create(space)

    def get(self, kind: str, name: str, namespace: str = "") -> Object:
        resource = self._registry.of_kind(kind)
        return self._writes.live(resource, Key(resource.collection, namespace, name))

    def find(self, kind: str, name: str, namespace: str = "") -> Object | None:
        stored = self._store.get(Key(self._registry.of_kind(kind).collection, namespace, name))
        return None if stored is None else stored.object

    def list(
        self, kind: str, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> list[Object]:
        found = self._store.scan(self._registry.of_kind(kind).collection, namespace)
        return [
            stored.object for _, stored in found if not labels or has_labels(stored.object, labels)
        ]

    def create(self, obj: Object) -> Object:
        resource, key, own = self._addressed(obj)
        return self._writes.create(resource, key.namespace, own, WriteOptions())

    def update(self, obj: Object) -> Object:
        resource, key, own = self._addressed(obj)
        return self._writes.update(resource, key, own, WriteOptions())

    def update_status(self, obj: Object) -> Object:
        resource, key, own = self._addressed(obj)
        return self._writes.update_status(resource, key, own, WriteOptions())

    def delete(
        self,
        kind: str,
        name: str,
        namespace: str = "",
        *,
        uid: str | None = None,
        grace_period_seconds: int | None = None,
        propagation: Propagation = Propagation.BACKGROUND,
    ) -> None:
        resource = self._registry.of_kind(kind)
        options = DeleteOptions(
            uid=uid, grace_period_seconds=grace_period_seconds, propagation=propagation
        )
        self._writes.delete(resource, Key(resource.collection, namespace, name), options)

    def subscribe(self, on_change: Callable[[Change], None]) -> Callable[[], None]:
        return self._store.subscribe(lambda commit: on_change(as_change(commit)))

    def _addressed(self, obj: Object) -> tuple[Resource, Key, Object]:
        """The object's place, and a private copy of it."""
        resource = self._registry.of_object(obj)
        own = copied(obj)
        metadata = own.setdefault("metadata", {})
        namespace = str(metadata.get("namespace", "")) if resource.namespaced else ""
        return resource, Key(resource.collection, namespace, str(metadata.get("name", ""))), own
