"""Deletes what no longer has an owner, as kube-controller-manager's garbage collector does.

It acts on each commit, before the write that caused it is answered, so that runs repeat and no
dependent outlives its owner unnoticed. An owner of a kind that is not served counts as present.
"""

from collections.abc import Iterator
from typing import Any

from simulator.kubernetes.database import Key
from simulator.kubernetes.deletion import FOREGROUND, ORPHAN
from simulator.kubernetes.objects import ChangeType, Propagation
from simulator.kubernetes.registry import Registry
from simulator.kubernetes.status import Object
from simulator.kubernetes.store import Commit, Store
from simulator.kubernetes.writes import Writes


class GarbageCollector:
    def __init__(self, *, store: Store, registry: Registry, writes: Writes) -> None:
        self._store = store
        self._registry = registry
        self._writes = writes
        self._alive: dict[str, Key] = {}
        self._dependents: dict[str, set[Key]] = {}
        for key, stored in store.everything():
            self._learn(key, stored.object)

    def sweep(self) -> None:
        """Looks at every object once: owners may have gone just before a crash."""
        for key, stored in tuple(self._store.everything()):
            self._look_at(key)
            self._release_dependents(key, stored.object)

    def on_commit(self, commit: Commit) -> None:
        obj = commit.now.object
        if commit.before is not None:
            self._forget(commit.key, commit.before.object)
        if commit.type is not ChangeType.DELETED:
            self._learn(commit.key, obj)
            self._look_at(commit.key)
            self._release_dependents(commit.key, obj)
            return
        for key in sorted(self._dependents.get(obj["metadata"]["uid"], ())):
            self._look_at(key)
        for owner in _owners(obj):
            self._finish_foreground(owner["uid"])

    def _learn(self, key: Key, obj: Object) -> None:
        self._alive[obj["metadata"]["uid"]] = key
        for owner in _owners(obj):
            self._dependents.setdefault(owner["uid"], set()).add(key)

    def _forget(self, key: Key, obj: Object) -> None:
        self._alive.pop(obj["metadata"]["uid"], None)
        for owner in _owners(obj):
            dependents = self._dependents.get(owner["uid"], set())
            dependents.discard(key)
            if not dependents:
                self._dependents.pop(owner["uid"], None)

    def _look_at(self, key: Key) -> None:
        """Deletes the object when all its owners are gone or only wait for it to go."""
        obj = self._live(key)
        if obj is None or "deletionTimestamp" in obj["metadata"]:
            return
        owners = _owners(obj)
        absent = [owner for owner in owners if self._is_absent(owner, key)]
        waiting = [owner for owner in owners if self._is_waiting(owner)]
        solid = [owner for owner in owners if owner not in absent and owner not in waiting]
        if not absent and not waiting:
            return
        if solid:
            self._writes.settle(key, with_metadata(obj, ownerReferences=solid))
        else:
            self._writes.delete_at(key, self._propagation(obj, below_waiting=bool(waiting)))

    def _propagation(self, obj: Object, *, below_waiting: bool) -> Propagation:
        finalizers = obj["metadata"].get("finalizers") or ()
        if ORPHAN in finalizers:
            return Propagation.ORPHAN
        has_dependents = obj["metadata"]["uid"] in self._dependents
        if FOREGROUND in finalizers or (below_waiting and has_dependents):
            return Propagation.FOREGROUND
        return Propagation.BACKGROUND

    def _is_absent(self, owner: Object, dependent: Key) -> bool:
        if self._registry.of_type(owner["apiVersion"], owner["kind"]) is None:
            return False
        found = self._alive.get(owner["uid"])
        return found is None or found.namespace not in {"", dependent.namespace}

    def _is_waiting(self, owner: Object) -> bool:
        found = self._alive.get(owner["uid"])
        obj = None if found is None else self._live(found)
        return obj is not None and _is_deleting_with(obj, FOREGROUND)

    def _release_dependents(self, key: Key, obj: Object) -> None:
        """Carries out the two finalizers that belong to the collector."""
        uid = obj["metadata"]["uid"]
        if _is_deleting_with(obj, ORPHAN):
            for dependent in sorted(self._dependents.get(uid, ())):
                self._disown(dependent, uid)
            self._drop_finalizer(key, ORPHAN)
        elif _is_deleting_with(obj, FOREGROUND):
            for dependent in sorted(self._dependents.get(uid, ())):
                self._look_at(dependent)
            self._finish_foreground(uid)

    def _disown(self, key: Key, uid: str) -> None:
        obj = self._live(key)
        if obj is None:
            return
        others = [owner for owner in _owners(obj) if owner["uid"] != uid]
        self._writes.settle(key, with_metadata(obj, ownerReferences=others))

    def _finish_foreground(self, uid: str) -> None:
        key = self._alive.get(uid)
        obj = None if key is None else self._live(key)
        if key is None or obj is None or not _is_deleting_with(obj, FOREGROUND):
            return
        if not any(self._blocking(uid)):
            self._drop_finalizer(key, FOREGROUND)

    def _blocking(self, uid: str) -> Iterator[Key]:
        for key in self._dependents.get(uid, ()):
            obj = self._live(key)
            for owner in _owners(obj) if obj is not None else ():
                if owner["uid"] == uid and owner.get("blockOwnerDeletion"):
                    yield key

    def _drop_finalizer(self, key: Key, finalizer: str) -> None:
        obj = self._live(key)
        if obj is None:
            return
        left = [each for each in obj["metadata"].get("finalizers") or () if each != finalizer]
        self._writes.settle(key, with_metadata(obj, finalizers=left))

    def _live(self, key: Key) -> Object | None:
        stored = self._store.get(key)
        return None if stored is None else stored.object


def with_metadata(obj: Object, **lists: list[Any]) -> Object:
    """``obj`` with these lists in its metadata; an empty one is left out."""
    metadata = {**obj["metadata"], **lists}
    return {**obj, "metadata": {key: value for key, value in metadata.items() if value != []}}


def _owners(obj: Object) -> list[Object]:
    return obj["metadata"].get("ownerReferences") or []


def _is_deleting_with(obj: Object, finalizer: str) -> bool:
    metadata = obj["metadata"]
    return "deletionTimestamp" in metadata and finalizer in (metadata.get("finalizers") or ())
