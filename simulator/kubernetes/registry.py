"""Which kinds are served just now: the built-in ones, and those that CRDs have added."""

from collections.abc import Iterable, Iterator

from simulator.kubernetes import errors
from simulator.kubernetes.resources import Resource
from simulator.kubernetes.status import ApiError, Object


class Registry:
    def __init__(self, built_in: Iterable[Resource]) -> None:
        self._by_path: dict[tuple[str, str, str], Resource] = {}
        self._by_type: dict[tuple[str, str], Resource] = {}
        self._by_kind: dict[str, Resource] = {}
        self.changes = 0
        for resource in built_in:
            self._add(resource)

    def _add(self, resource: Resource) -> None:
        self._by_path[resource.group, resource.version, resource.plural] = resource
        self._by_type[resource.api_version, resource.kind] = resource
        if resource.api_version == resource.storage_api_version:
            self._by_kind.setdefault(resource.kind, resource)

    def replace(self, collection: str, resources: Iterable[Resource]) -> None:
        """Serves ``resources`` in place of all that were served from ``collection``."""
        others = [each for each in self if each.collection != collection]
        self._by_path.clear()
        self._by_type.clear()
        self._by_kind.clear()
        for resource in (*others, *resources):
            self._add(resource)
        self.changes += 1

    def __iter__(self) -> Iterator[Resource]:
        return iter(tuple(self._by_path.values()))

    def at(self, group: str, version: str, plural: str) -> Resource | None:
        return self._by_path.get((group, version, plural))

    def of_type(self, api_version: str, kind: str) -> Resource | None:
        return self._by_type.get((api_version, kind))

    def of_kind(self, kind: str) -> Resource:
        """The stored version of a kind known by name alone; raises ApiError 404."""
        resource = self._by_kind.get(kind)
        if resource is None:
            raise ApiError(404, "NotFound", f'no kind "{kind}" is registered')
        return resource

    def stored_in(self, collection: str) -> Resource | None:
        """The stored version of the kind kept in ``collection``; None when it is not served."""
        found = [each for each in self._by_path.values() if each.collection == collection]
        stored = (each for each in found if each.api_version == each.storage_api_version)
        return next(stored, next(iter(found), None))

    def of_object(self, obj: Object) -> Resource:
        """Raises ApiError 400 where the object's type is not served."""
        api_version, kind = str(obj.get("apiVersion", "")), str(obj.get("kind", ""))
        resource = self.of_type(api_version, kind)
        if resource is None:
            raise errors.bad_request(f'no kind "{kind}" is registered for version "{api_version}"')
        return resource

    def group_versions(self) -> dict[str, list[str]]:
        """Group to its versions, the preferred one first; the core group is ""."""
        groups: dict[str, list[str]] = {"": ["v1"]}
        for resource in self:
            versions = groups.setdefault(resource.group, [])
            if resource.version not in versions:
                versions.append(resource.version)
        return {group: sorted(found, key=version_priority) for group, found in groups.items()}

    def in_group_version(self, group: str, version: str) -> list[Resource]:
        found = [each for each in self if (each.group, each.version) == (group, version)]
        return sorted(found, key=lambda resource: resource.plural)


def version_priority(version: str) -> tuple[int, int, int, str]:
    """Sorts v2 before v1 before v1beta2 before v1alpha1 before any other name."""
    stability = {"": 0, "beta": 1, "alpha": 2}
    major, word, minor = _version_parts(version)
    if word not in stability or not major:
        return (3, 0, 0, version)
    return (stability[word], -int(major), -int(minor or 0), version)


def _version_parts(version: str) -> tuple[str, str, str]:
    for word in ("alpha", "beta"):
        major, found, minor = version.removeprefix("v").partition(word)
        if found and major.isdigit() and minor.isdigit():
            return major, word, minor
    major = version.removeprefix("v")
    return (major, "", "") if version.startswith("v") and major.isdigit() else ("", "?", "")
