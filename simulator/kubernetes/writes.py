"""Every change of an object goes through here: prepared, checked, admitted, then committed."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

from simulator.clock import Clock
from simulator.kubernetes import (
    defaults,
    deletion,
    errors,
    field_checks,
    metadata_validation,
    preparation,
    schema,
    services,
)
from simulator.kubernetes.admission import Operation
from simulator.kubernetes.apply import server_side_apply, track
from simulator.kubernetes.built_in_schemas import BuiltInSchemas
from simulator.kubernetes.database import Key
from simulator.kubernetes.deletion import DeleteOptions
from simulator.kubernetes.json_values import copied, drop_nulls
from simulator.kubernetes.objects import Propagation
from simulator.kubernetes.policies import Policies
from simulator.kubernetes.registry import Registry
from simulator.kubernetes.resources import Origin, Resource
from simulator.kubernetes.services import ServiceAddresses
from simulator.kubernetes.status import Cause, Object
from simulator.kubernetes.store import Store
from simulator.kubernetes.write_options import WriteOptions

IMMORTAL = frozenset({"default", "kube-public", "kube-system"})
"""Namespaces that may not be deleted (apiserver's NamespaceLifecycle admission)."""
_NAME_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_NAME_ATTEMPTS = 8


class Writes:
    def __init__(
        self,
        *,
        store: Store,
        registry: Registry,
        clock: Clock,
        new_uid: Callable[[], str],
        service_addresses: ServiceAddresses,
    ) -> None:
        self._store = store
        self._registry = registry
        self._clock = clock
        self._new_uid = new_uid
        self._service_addresses = service_addresses
        self._policies = Policies(store)

    def live(self, resource: Resource, key: Key) -> Object:
        """The stored object; raises ApiError 404."""
        stored = self._store.get(key)
        if stored is None:
            raise errors.not_found(resource, key.name)
        return stored.object

    def create(
        self, resource: Resource, namespace: str, obj: Object, options: WriteOptions
    ) -> Object:
        """Stores ``obj``, a private copy, as a new object; answers it as it is at rest."""
        self._check_namespace(resource, namespace)
        if obj["metadata"].get("resourceVersion"):
            raise errors.bad_request("resourceVersion should not be set on objects to be created")
        uid, now = self._new_uid(), self._clock.now()
        self._name(resource, namespace, obj, uid)
        obj = preparation.new_object(resource, obj, namespace=namespace, uid=uid, now=now)
        self._complete(resource, obj, options)
        key = Key(resource.collection, namespace, str(obj["metadata"].get("name", "")))
        if self._store.get(key) is not None:
            raise errors.already_exists(resource, key.name)
        self._policies.admit(Operation.CREATE, resource, key, obj=obj, old=None, options=options)
        causes = metadata_validation.problems_of_new(resource, obj["metadata"])
        obj, more = self._with_addresses(resource, obj, None)
        self._refuse_invalid(
            resource, obj, [*causes, *more, *field_checks.problems(resource, obj, None)]
        )
        obj = resource.to_storage(self._tracked(resource, None, obj, options))
        return obj if options.dry_run else self._store.put(key, obj)

    def update(self, resource: Resource, key: Key, obj: Object, options: WriteOptions) -> Object:
        """Replaces all but status with ``obj``, a private copy."""
        live = self._same_object(resource, key, obj)
        shown = resource.present(live)
        self._complete(resource, obj, options)
        obj = preparation.replacement(resource, shown, obj)
        self._policies.admit(Operation.UPDATE, resource, key, obj=obj, old=shown, options=options)
        causes = metadata_validation.problems_of_update(obj["metadata"], live["metadata"])
        obj, more = self._with_addresses(resource, obj, shown)
        self._refuse_invalid(
            resource, obj, [*causes, *more, *field_checks.problems(resource, obj, shown)]
        )
        obj = self._tracked(resource, shown, obj, options)
        return self._replace(key, live, resource.to_storage(obj), options)

    def update_status(
        self, resource: Resource, key: Key, obj: Object, options: WriteOptions
    ) -> Object:
        """Replaces the status alone with that of ``obj``, a private copy."""
        live = self._same_object(resource, key, obj)
        shown = resource.present(live)
        self._complete(resource, obj, options)
        obj = preparation.status_replacement(shown, obj)
        self._policies.admit(
            Operation.UPDATE,
            resource,
            key,
            obj=obj,
            old=shown,
            options=options,
            subresource="status",
        )
        self._refuse_invalid(resource, obj, field_checks.problems(resource, obj, shown))
        obj = self._tracked(resource, shown, obj, options, subresource="status")
        return self._replace(key, live, resource.to_storage(obj), options)

    def apply(
        self,
        resource: Resource,
        key: Key,
        applied: Object,
        options: WriteOptions,
        *,
        force: bool,
        subresource: str = "",
    ) -> Object:
        """Server-side apply: creates or changes what ``applied``, a private copy, speaks of."""
        stored = self._store.get(key)
        live = None if stored is None else resource.present(stored.object)
        merged = server_side_apply(
            live,
            preparation.writable_part(resource, applied, subresource),
            manager=options.field_manager,
            force=force,
            shape=resource.shape,
            now=self._clock.now(),
            subresource=subresource,
        )
        own, settled = copied(merged), replace(options, field_manager="")
        if live is None:
            return self.create(resource, key.namespace, own, settled)
        if subresource == "status":
            return self.update_status(resource, key, own, settled)
        return self.update(resource, key, own, settled)

    def delete(self, resource: Resource, key: Key, options: DeleteOptions) -> Object | None:
        """Answers the object where something still holds it, None when it is gone."""
        live = self.live(resource, key)
        deletion.check_preconditions(resource, live, options)
        self._refuse_deletion(resource, key)
        admission = WriteOptions(dry_run=options.dry_run, warnings=options.warnings)
        self._policies.admit(Operation.DELETE, resource, key, obj=None, old=live, options=admission)
        left = deletion.deleted(resource, live, options, self._clock.now())
        if options.dry_run:
            return None if deletion.is_gone(left) else left
        if deletion.is_gone(left):
            self._store.remove(key, live)
            return None
        return live if left == live else self._store.put(key, left)

    def delete_at(self, key: Key, propagation: Propagation) -> None:
        """Deletes on the cluster's own behalf; an object that has gone is passed over."""
        resource = self._registry.stored_in(key.collection)
        if resource is not None and self._store.get(key) is not None:
            self.delete(resource, key, DeleteOptions(propagation=propagation))

    def settle(self, key: Key, obj: Object) -> None:
        """Stores what the cluster itself decided of an object, or removes it when it may go."""
        if deletion.is_gone(obj):
            self._store.remove(key, obj)
        else:
            self._store.put(key, obj)

    @staticmethod
    def _refuse_deletion(resource: Resource, key: Key) -> None:
        if resource.collection == "namespaces" and key.name in IMMORTAL:
            raise errors.forbidden(resource, key.name, "this namespace may not be deleted")

    def _check_namespace(self, resource: Resource, namespace: str) -> None:
        if not resource.namespaced:
            return
        if not namespace:
            raise errors.bad_request("an empty namespace may not be set during creation")
        spaces = self._registry.of_kind("Namespace")
        space = self.live(spaces, Key("namespaces", "", namespace))
        if "deletionTimestamp" in space["metadata"]:
            why = (
                f"unable to create new content in namespace {namespace} because it is being "
                "terminated"
            )
            cause = Cause(
                reason="NamespaceTerminating",
                message=f"namespace {namespace} is being terminated",
                field="metadata.namespace",
            )
            raise errors.forbidden(resource, "", why, [cause])

    def _name(self, resource: Resource, namespace: str, obj: Object, uid: str) -> None:
        """Gives a name after ``generateName``, drawn from the uid so that runs repeat."""
        metadata = obj["metadata"]
        prefix = metadata.get("generateName")
        if metadata.get("name") or not prefix:
            return
        for attempt in range(_NAME_ATTEMPTS):
            name = f"{prefix}{_suffix(f'{uid}/{attempt}')}"
            if self._store.get(Key(resource.collection, namespace, name)) is None:
                metadata["name"] = name
                return
        raise errors.already_exists(resource, prefix)

    @staticmethod
    def _complete(resource: Resource, obj: Object, options: WriteOptions) -> None:
        """Unknown fields of custom kinds go, defaults come; changes ``obj`` in place."""
        if resource.origin is Origin.BUILT_IN:
            if options.check_fields:
                drop_nulls(obj)
                field_checks.check(resource, BuiltInSchemas.load().problems(resource, obj), options)
            defaults.apply(resource.collection, obj)
        elif resource.schema is not None:
            if options.check_fields:
                field_checks.check(resource, BuiltInSchemas.load().metadata_problems(obj), options)
            field_checks.report_unknown(resource, schema.prune(resource.schema, obj), options)
            schema.apply_defaults(resource.schema, obj)

    def _tracked(
        self,
        resource: Resource,
        live: Object | None,
        obj: Object,
        options: WriteOptions,
        subresource: str = "",
    ) -> Object:
        if not options.field_manager:
            return obj
        return track(
            live,
            obj,
            manager=options.field_manager,
            shape=resource.shape,
            now=self._clock.now(),
            subresource=subresource,
        )

    def _with_addresses(
        self, resource: Resource, obj: Object, live: Object | None
    ) -> tuple[Object, list[Cause]]:
        if resource.collection != "services":
            return obj, []
        if live is not None:
            obj = services.kept_addresses(live, obj)
        uid = obj["metadata"]["uid"]
        others = (
            service
            for service in self._store.objects("services")
            if service["metadata"]["uid"] != uid
        )
        return services.with_addresses(obj, self._service_addresses, others)

    @staticmethod
    def _refuse_invalid(resource: Resource, obj: Object, causes: list[Cause]) -> None:
        if causes:
            raise errors.invalid(resource, str(obj["metadata"].get("name", "")), causes)

    def _same_object(self, resource: Resource, key: Key, obj: Object) -> Object:
        """The live object that ``obj`` means; raises ApiError 409 where it has changed since."""
        live = self.live(resource, key)
        metadata, current = obj["metadata"], live["metadata"]
        version, uid = metadata.get("resourceVersion"), metadata.get("uid")
        if uid and uid != current["uid"]:
            raise errors.conflict(
                resource,
                key.name,
                f"Precondition failed: UID in precondition: {uid}, "
                f"UID in object meta: {current['uid']}",
            )
        if version and version != current["resourceVersion"]:
            raise errors.modified(resource, key.name)
        return live

    def _replace(self, key: Key, live: Object, obj: Object, options: WriteOptions) -> Object:
        if options.dry_run:
            return obj
        if deletion.is_gone(obj):
            return self._store.remove(key, obj)
        if preparation.same_but_for_bookkeeping(live, obj):
            return live
        return self._store.put(key, obj)


def _suffix(seed: str) -> str:
    number = int.from_bytes(sha256(seed.encode()).digest()[:8])
    letters = []
    for _ in range(5):
        number, index = divmod(number, len(_NAME_LETTERS))
        letters.append(_NAME_LETTERS[index])
    return "".join(letters)
