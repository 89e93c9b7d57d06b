"""The simulated Kubernetes API server, free of any transport.

One synchronous core (store, registry, writes) that changes between two ``await``s or not at all.
Controllers in this process reach it through ``Objects``; every other client through ``handle``.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from simulator.clock import Clock
from simulator.kubernetes import preparation
from simulator.kubernetes.built_in_resources import BUILT_IN
from simulator.kubernetes.custom_resources import CustomResources
from simulator.kubernetes.database import Database, Key, NoDatabase
from simulator.kubernetes.deletion import DeleteOptions
from simulator.kubernetes.founding import found_cluster
from simulator.kubernetes.garbage import GarbageCollector
from simulator.kubernetes.http_messages import Request, Response, error_response
from simulator.kubernetes.json_values import copied
from simulator.kubernetes.namespaces import NamespaceLifecycle
from simulator.kubernetes.objects import Change, Propagation
from simulator.kubernetes.pod_endpoints import PodEndpoints
from simulator.kubernetes.pod_streams import PodStreams, Session
from simulator.kubernetes.registry import Registry
from simulator.kubernetes.resource_endpoints import ResourceEndpoints
from simulator.kubernetes.resources import Resource
from simulator.kubernetes.routes import Routes
from simulator.kubernetes.selectors import has_labels
from simulator.kubernetes.services import ServiceAddresses
from simulator.kubernetes.status import ApiError, Object
from simulator.kubernetes.store import Commit, Store, as_change
from simulator.kubernetes.watch_cache import WatchCache
from simulator.kubernetes.watches import WatchHub
from simulator.kubernetes.write_options import WriteOptions
from simulator.kubernetes.writes import Writes

_OWN = WriteOptions()


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
        store = self._store = Store(NoDatabase() if database is None else Database(database))
        registry = self._registry = Registry(BUILT_IN)
        writes = self._writes = Writes(
            store=store,
            registry=registry,
            clock=clock,
            new_uid=new_uid,
            service_addresses=service_addresses,
        )
        self._watches = WatchHub(store)
        definitions = CustomResources(
            store=store, registry=registry, writes=writes, watches=self._watches, clock=clock
        )
        garbage = GarbageCollector(store=store, registry=registry, writes=writes)
        namespaces = NamespaceLifecycle(store=store, registry=registry, writes=writes)
        for on_commit in (definitions.on_commit, garbage.on_commit, namespaces.on_commit):
            store.subscribe(on_commit)
        self._pods = PodEndpoints(store=store, writes=writes, streams=pod_streams)
        self._routes = Routes(
            registry=registry,
            resources=ResourceEndpoints(
                store=store, writes=writes, watches=self._watches, clock=clock
            ),
            pods=self._pods,
        )
        found_cluster(self, service_addresses)
        garbage.sweep()

    async def handle(
        self,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        cache: WatchCache | None = None,
    ) -> Response:
        """Answers one HTTP request; ``target`` is its path and query.

        ``cache`` is what the client's own API server knows, where that may lag.
        """
        try:
            return await self._routes.answer(Request.parse(method, target, headers, body, cache))
        except ApiError as error:
            return error_response(error)

    async def open_session(self, target: str) -> Session:
        """An attach or exec on a pod; raises ApiError."""
        request = Request.parse("GET", target, {})
        return await self._pods.open_session(self._routes.pod_stream(request), request.query)

    async def check_pod_stream(self, target: str) -> None:
        """Raises ApiError where the pod of a stream's path is not there or has no node."""
        self._pods.check_stream(self._routes.pod_stream(Request.parse("GET", target, {})))

    async def dial(self, target: str, port: int) -> tuple[str, int]:
        """Where a pod's ``port`` is reachable, for port forwarding; raises ApiError."""
        request = Request.parse("GET", target, {})
        return await self._pods.dial(self._routes.pod_stream(request), port)

    def close(self) -> None:
        """Ends all watches and closes the file."""
        self._watches.close_all()
        self._store.close()

    def compact(self) -> None:
        """Forgets the past: watches and pages that would go on from an older version get 410."""
        self._store.compact()

    @property
    def resource_version(self) -> int:
        """Of the latest change."""
        return self._store.resource_version

    def get(self, kind: str, name: str, namespace: str = "") -> Object:
        resource = self._registry.of_kind(kind)
        return self._writes.live(resource, Key(resource.collection, namespace, name))

    def find(self, kind: str, name: str, namespace: str = "") -> Object | None:
        stored = self._store.get(Key(self._registry.of_kind(kind).collection, namespace, name))
        return None if stored is None else stored.object

    def list(
        self, kind: str, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> list[Object]:
        found = self._store.objects(self._registry.of_kind(kind).collection, namespace)
        return [obj for obj in found if not labels or has_labels(obj, labels)]

    def create(self, obj: Object) -> Object:
        resource, key, own = self._addressed(obj)
        return self._writes.create(resource, key.namespace, own, _OWN)

    def update(self, obj: Object) -> Object:
        resource, key, own = self._addressed(obj)
        return self._writes.update(resource, key, own, _OWN)

    def update_status(self, obj: Object) -> Object:
        resource, key, own = self._addressed(preparation.status_part(obj))
        return self._writes.update_status(resource, key, own, _OWN)

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

    def follow(self, on_commit: Callable[[Commit], None]) -> None:
        """As ``subscribe``, with what was before, the version and the stored form."""
        self._store.subscribe(on_commit)

    def _addressed(self, obj: Object) -> tuple[Resource, Key, Object]:
        """The object's place, and a private copy of it."""
        resource = self._registry.of_object(obj)
        own = copied(obj)
        metadata = own.setdefault("metadata", {})
        namespace = str(metadata.get("namespace", "")) if resource.namespaced else ""
        return resource, Key(resource.collection, namespace, str(metadata.get("name", ""))), own
