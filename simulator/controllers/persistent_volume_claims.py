"""PersistentVolumeClaims: bound at once, to a volume made for each."""

from collections.abc import Iterable

from simulator.controllers.conditions import save_status
from simulator.controllers.controller import Key, key_of
from simulator.controllers.ownership import is_terminating
from simulator.kubernetes.objects import Change, Objects
from simulator.kubernetes.status import Object


class PersistentVolumeClaimController:
    name = "persistentvolume-binder"
    watches = ("PersistentVolumeClaim", "PersistentVolume")

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def affected(self, change: Change) -> Iterable[Key]:
        if change.object["kind"] == "PersistentVolumeClaim":
            return [key_of(change.object)]
        claim = change.object["spec"].get("claimRef")
        return [Key(claim["namespace"], claim["name"])] if claim else []

    def reconcile(self, key: Key) -> float | None:
        claim = self._objects.find("PersistentVolumeClaim", key.name, key.namespace)
        if claim is None:
            self._delete_volumes_of(key)
        elif not is_terminating(claim):
            self._bind(claim)
        return None

    def _bind(self, claim: Object) -> None:
        volume = _build_volume(claim)
        name = volume["metadata"]["name"]
        if self._objects.find("PersistentVolume", name) is None:
            created = self._objects.create(volume)
            save_status(self._objects, created, {"phase": "Bound"})
        if claim["spec"].get("volumeName") != name:
            claim = self._objects.update({**claim, "spec": {**claim["spec"], "volumeName": name}})
        granted = {
            "phase": "Bound",
            "accessModes": claim["spec"].get("accessModes", []),
            "capacity": volume["spec"]["capacity"],
        }
        save_status(self._objects, claim, {**claim.get("status", {}), **granted})

    def _delete_volumes_of(self, key: Key) -> None:
        for volume in self._objects.list("PersistentVolume"):
            reference = volume["spec"].get("claimRef", {})
            owner = (reference.get("namespace"), reference.get("name"))
            if owner == key and volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete":
                self._objects.delete("PersistentVolume", volume["metadata"]["name"])


def _build_volume(claim: Object) -> Object:
    """Named after the claim's uid, as the external provisioners do."""
    metadata, spec = claim["metadata"], claim["spec"]
    requested = spec.get("resources", {}).get("requests", {}).get("storage", "1Gi")
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"pvc-{metadata['uid']}"},
        "spec": {
            "accessModes": spec.get("accessModes", ["ReadWriteOnce"]),
            "capacity": {"storage": requested},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
            },
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": spec.get("storageClassName", ""),
            "hostPath": {"path": f"/simulated/{metadata['uid']}"},
        },
    }
