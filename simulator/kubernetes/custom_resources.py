"""CustomResourceDefinitions: what each adds to the API, from its commit on."""

from simulator.clock import Clock, rfc3339
from simulator.kubernetes.built_in_resources import SCALE, status_of
from simulator.kubernetes.database import Key
from simulator.kubernetes.merge_shapes import shape_of_schema
from simulator.kubernetes.objects import ChangeType, Propagation
from simulator.kubernetes.registry import Registry
from simulator.kubernetes.resources import (
    CustomColumn,
    Origin,
    Resource,
    ScalePaths,
    Subresource,
)
from simulator.kubernetes.status import Object
from simulator.kubernetes.store import Commit, Store
from simulator.kubernetes.watches import WatchHub
from simulator.kubernetes.writes import Writes

COLLECTION = "customresourcedefinitions.apiextensions.k8s.io"
CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
_AGE = CustomColumn(name="Age", type="date", json_path=".metadata.creationTimestamp")


def resources_of(definition: Object) -> list[Resource]:
    """One resource for each version it serves; strategy None: the same JSON under each name."""
    versions = definition["spec"]["versions"]
    storage = next(version["name"] for version in versions if version.get("storage"))
    return [
        _resource(definition, version, storage) for version in versions if version.get("served")
    ]


def _resource(definition: Object, version: Object, storage: str) -> Resource:
    spec, names = definition["spec"], definition["spec"]["names"]
    group, name = spec["group"], version["name"]
    offered = version.get("subresources") or {}
    schema = (version.get("schema") or {}).get("openAPIV3Schema") or {}
    selectable = (each["jsonPath"] for each in version.get("selectableFields") or ())
    return Resource(
        group=group,
        version=name,
        kind=names["kind"],
        plural=names["plural"],
        singular=names.get("singular") or names["kind"].lower(),
        collection=definition["metadata"]["name"],
        storage_api_version=f"{group}/{storage}",
        namespaced=spec["scope"] == "Namespaced",
        short_names=tuple(names.get("shortNames") or ()),
        categories=tuple(names.get("categories") or ()),
        subresources=_subresources(names["kind"], group, name, offered),
        origin=Origin.CUSTOM,
        scale=_scale_paths(offered.get("scale")),
        schema=schema,
        shape=shape_of_schema(schema),
        columns=_columns(version.get("additionalPrinterColumns")),
        selectable_fields=tuple(path.removeprefix(".") for path in selectable),
    )


def _subresources(kind: str, group: str, version: str, offered: Object) -> tuple[Subresource, ...]:
    found: tuple[Subresource, ...] = ()
    if "scale" in offered:
        found += (SCALE,)
    if "status" in offered:
        found += (status_of(kind, group, version),)
    return found


def _scale_paths(paths: Object | None) -> ScalePaths | None:
    if paths is None:
        return None
    return ScalePaths(
        spec_replicas=paths["specReplicasPath"],
        status_replicas=paths["statusReplicasPath"],
        label_selector=paths.get("labelSelectorPath", ""),
    )


def _columns(columns: list[Object] | None) -> tuple[CustomColumn, ...]:
    """Without any of its own a custom kind is printed with its age, as built-in ones are."""
    return tuple(
        CustomColumn(
            name=column["name"],
            type=column["type"],
            json_path=column["jsonPath"],
            description=column.get("description", ""),
            format=column.get("format", ""),
            priority=column.get("priority", 0),
        )
        for column in columns or ()
    ) or (_AGE,)


class CustomResources:
    """Keeps the registry in step with the definitions, and a definition until its objects left."""

    def __init__(
        self,
        *,
        store: Store,
        registry: Registry,
        writes: Writes,
        watches: WatchHub,
        clock: Clock,
    ) -> None:
        self._store = store
        self._registry = registry
        self._writes = writes
        self._watches = watches
        self._clock = clock
        for key, stored in store.scan(COLLECTION):
            registry.replace(key.name, resources_of(stored.object))

    def on_commit(self, commit: Commit) -> None:
        if commit.key.collection == COLLECTION:
            self._on_definition(commit)
        elif commit.type is ChangeType.DELETED and "." in commit.key.collection:
            self._finish(Key(COLLECTION, "", commit.key.collection))

    def _on_definition(self, commit: Commit) -> None:
        name = commit.key.name
        if commit.type is ChangeType.DELETED:
            self._registry.replace(name, ())
            self._watches.close_all(name)
            return
        stored = self._store.get(commit.key)
        if stored is None:
            return
        self._registry.replace(name, resources_of(stored.object))
        if "deletionTimestamp" in stored.object["metadata"]:
            self._empty(commit.key)
        elif (established := self._established(stored.object)) != stored.object:
            self._writes.settle(commit.key, established)

    def _established(self, definition: Object) -> Object:
        """Accepts names at once: clients that have just applied a definition use it next."""
        metadata, spec = definition["metadata"], definition["spec"]
        known = definition.get("status") or {}
        finalizers = metadata.get("finalizers") or []
        if CLEANUP not in finalizers:
            finalizers = [*finalizers, CLEANUP]
        stored = [each["name"] for each in spec["versions"] if each.get("storage")]
        earlier = known.get("storedVersions") or []
        status = {
            "conditions": known.get("conditions") or _accepted(rfc3339(self._clock.now())),
            "acceptedNames": spec["names"],
            "storedVersions": [*earlier, *(name for name in stored if name not in earlier)],
        }
        return {**definition, "metadata": {**metadata, "finalizers": finalizers}, "status": status}

    def _empty(self, definition: Key) -> None:
        for key, stored in self._store.scan(definition.name):
            if "deletionTimestamp" not in stored.object["metadata"]:
                self._writes.delete_at(key, Propagation.BACKGROUND)
        self._finish(definition)

    def _finish(self, key: Key) -> None:
        """Lets a deleted definition go once none of its objects is left."""
        stored = self._store.get(key)
        if stored is None or "deletionTimestamp" not in stored.object["metadata"]:
            return
        metadata = stored.object["metadata"]
        finalizers = metadata.get("finalizers") or []
        if CLEANUP not in finalizers or self._store.scan(key.name):
            return
        left = [each for each in finalizers if each != CLEANUP]
        self._writes.settle(key, {**stored.object, "metadata": {**metadata, "finalizers": left}})


def _accepted(now: str) -> list[Object]:
    names = "the initial names have been accepted"
    return [
        _condition("NamesAccepted", "NoConflicts", "no conflicts found", now),
        _condition("Established", "InitialNamesAccepted", names, now),
    ]


def _condition(kind: str, reason: str, message: str, now: str) -> Object:
    return {
        "type": kind,
        "status": "True",
        "lastTransitionTime": now,
        "reason": reason,
        "message": message,
    }
