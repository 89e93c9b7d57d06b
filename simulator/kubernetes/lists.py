"""Lists: selected, in pages, as of now or of an earlier version."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

from simulator.kubernetes import errors, selectors
from simulator.kubernetes.database import Key
from simulator.kubernetes.http_messages import Query
from simulator.kubernetes.json_values import decode, encode
from simulator.kubernetes.resources import Resource
from simulator.kubernetes.selectors import Predicate
from simulator.kubernetes.status import ApiError, Object
from simulator.kubernetes.store import Store, Stored
from simulator.kubernetes.watch_cache import WatchCache


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    items: Sequence[Stored]
    metadata: Object


@dataclass(frozen=True, slots=True)
class _Continue:
    """Where the next page starts, and the version every page shows."""

    resource_version: int
    after: Key

    def encoded(self) -> str:
        token = {"v": "meta.k8s.io/v1", "rv": self.resource_version}
        start = f"{self.after.namespace}/{self.after.name}"
        return base64.urlsafe_b64encode(encode({**token, "start": start})).decode().rstrip("=")


def _decoded(token: str, collection: str) -> _Continue:
    try:
        value = decode(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        namespace, _, name = value["start"].partition("/")
        return _Continue(int(value["rv"]), Key(collection, namespace, name))
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        raise errors.bad_request("continue key is not valid") from None


def selection(resource: Resource, query: Query) -> Predicate:
    """The objects that both selectors choose; raises ApiError 400 for malformed ones."""
    by_label = selectors.label_predicate(query.text("labelSelector"))
    by_field = selectors.field_predicate(query.text("fieldSelector"), resource)
    if by_label is None and by_field is None:
        return _everything
    if by_label is None or by_field is None:
        return by_label or by_field or _everything
    return lambda obj: by_label(obj) and by_field(obj)


def _everything(_: Object) -> bool:
    return True


def requested_version(query: Query, latest: int) -> int | None:
    """``resourceVersion`` as a number; raises ApiError 400, or 504 where ``latest`` is older."""
    text = query.text("resourceVersion")
    if not text:
        return None
    if not text.isdigit():
        raise errors.bad_request(f'invalid resource version "{text}"')
    version = int(text)
    if version > latest:
        raise errors.too_large_resource_version(version, latest)
    return version


def page(
    store: Store, resource: Resource, namespace: str | None, query: Query, cache: WatchCache
) -> Page:
    """Raises ApiError 400 for bad parameters, 410 where the version asked for is forgotten."""
    limit = query.integer("limit") or 0
    matches = selection(resource, query)
    token = query.text("continue")
    if token:
        start = _decoded(token, resource.collection)
        version = start.resource_version
        rest = _rest_as_of(store, resource, namespace, version)
        found = [item for item in rest if item[0] > start.after]
    else:
        version = version_shown(query, store, cache)
        found = as_of(store, resource.collection, namespace, version)
        limit = 0 if query.text("resourceVersion") == "0" else limit
    chosen = [item for item in found if matches(item[1].object)]
    return _cut(chosen, limit, version, is_selected=matches is not _everything)


def version_shown(query: Query, store: Store, cache: WatchCache) -> int:
    """The version at which objects are shown; raises ApiError 400, or 504 where it lies ahead.

    Unset means the most recent, 0 whatever the cache has, and any other one at least as recent; a
    limit makes that "exactly", unless ``resourceVersionMatch`` says otherwise.
    """
    requested = requested_version(query, store.resource_version)
    if requested is None:
        return store.resource_version
    match = query.text("resourceVersionMatch")
    if requested and (match == "Exact" or (not match and query.integer("limit"))):
        return requested
    if cache.version is None:
        return store.resource_version
    requested_version(query, cache.version)
    return cache.version


def as_of(
    store: Store, collection: str, namespace: str | None, version: int
) -> list[tuple[Key, Stored]]:
    """Raises ApiError 410 where the version is forgotten."""
    if version == store.resource_version:
        return store.scan(collection, namespace)
    return store.list_as_of(collection, namespace, version)


def _rest_as_of(
    store: Store, resource: Resource, namespace: str | None, version: int
) -> list[tuple[Key, Stored]]:
    try:
        return store.list_as_of(resource.collection, namespace, version)
    except ApiError as error:
        raise ApiError(
            410,
            "Expired",
            "The provided continue parameter is too old to display a consistent list result. You "
            "must start a new list without the continue parameter.",
        ) from error


def _cut(chosen: list[tuple[Key, Stored]], limit: int, version: int, *, is_selected: bool) -> Page:
    metadata: Object = {"resourceVersion": str(version)}
    if 0 < limit < len(chosen):
        metadata["continue"] = _Continue(version, chosen[limit - 1][0]).encoded()
        if not is_selected:
            metadata["remainingItemCount"] = len(chosen) - limit
        chosen = chosen[:limit]
    return Page(items=[stored for _, stored in chosen], metadata=metadata)
