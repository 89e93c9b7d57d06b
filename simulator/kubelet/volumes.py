"""What a pod's volumes hold, and where a container sees them."""

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.kubelet.content import decode_config_map, decode_secret
from simulator.kubelet.environment import FindObject, pod_field
from simulator.kubernetes.status import Object


class VolumeError(Exception):
    """A volume can't be set up yet: something it refers to is missing, or of no known kind."""


@dataclass(frozen=True, slots=True)
class EmptyDirectory:
    name: str


@dataclass(frozen=True, slots=True)
class HostPath:
    name: str
    path: str
    create: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """A PersistentVolumeClaim, by its uid: outlives the pod, but not the claim."""

    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Files:
    """Relative path → bytes, from ConfigMaps, Secrets and the downward API."""

    name: str
    files: Mapping[str, bytes]


Volume = EmptyDirectory | HostPath | Claim | Files


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    volume: Volume
    path: str
    sub_path: str = ""


def resolve_volumes(pod: Object, find: FindObject) -> list[Volume]:
    """Raises VolumeError naming what is missing."""
    return [_volume(volume, pod, find) for volume in pod["spec"].get("volumes") or ()]


def mounts_of(container: Object, volumes: list[Volume]) -> list[Mount]:
    """Raises VolumeError where a mount names no volume of the pod."""
    by_name = {volume.name: volume for volume in volumes}
    mounts = []
    for mount in container.get("volumeMounts") or ():
        if mount["name"] not in by_name:
            raise VolumeError(f'volume mount "{mount["name"]}" names no volume of the pod')
        path, sub_path = mount["mountPath"].rstrip("/") or "/", mount.get("subPath", "")
        mounts.append(Mount(volume=by_name[mount["name"]], path=path, sub_path=sub_path))
    return mounts


def _volume(volume: Object, pod: Object, find: FindObject) -> Volume:
    name = volume["name"]
    if (host_path := volume.get("hostPath")) is not None:
        return HostPath(name, host_path["path"], "OrCreate" in (host_path.get("type") or ""))
    if (claim := volume.get("persistentVolumeClaim")) is not None:
        found = _present(name, "PersistentVolumeClaim", claim["claimName"], find)
        return Claim(name, found["metadata"]["uid"])
    if (projected := volume.get("projected")) is not None:
        files: dict[str, bytes] = {}
        for source in projected.get("sources") or ():
            files |= _files(name, source, pod, find)
        return Files(name, files)
    if volume.keys() & {"configMap", "secret", "downwardAPI"}:
        return Files(name, _files(name, volume, pod, find))
    if volume.keys() <= {"name", "emptyDir"}:
        return EmptyDirectory(name)
    (kind,) = volume.keys() - {"name"}
    raise VolumeError(f'MountVolume.SetUp failed for volume "{name}": {kind} is not supported here')


def _files(volume: str, source: Object, pod: Object, find: FindObject) -> dict[str, bytes]:
    if (config_map := source.get("configMap")) is not None:
        found = _present(volume, "ConfigMap", config_map["name"], find, source=config_map)
        return _selected(decode_config_map(found), config_map)
    if (secret := source.get("secret")) is not None:
        key = "secretName" if "secretName" in secret else "name"
        found = _present(volume, "Secret", secret[key], find, source=secret)
        return _selected(decode_secret(found), secret)
    items = (source.get("downwardAPI") or {}).get("items") or ()
    return {
        item["path"]: pod_field(pod, item["fieldRef"]["fieldPath"]).encode()
        for item in items
        if "fieldRef" in item
    }


def _selected(data: dict[str, bytes], source: Object) -> dict[str, bytes]:
    items = source.get("items")
    if not items:
        return data
    return {item["path"]: data[item["key"]] for item in items if item["key"] in data}


def _present(
    volume: str, kind: str, name: str, find: FindObject, *, source: Object | None = None
) -> Object:
    found = find(kind, name)
    if found is not None:
        return found
    if source is not None and source.get("optional"):
        return {}
    raise VolumeError(
        f'MountVolume.SetUp failed for volume "{volume}": {kind.lower()} "{name}" not found'
    )
