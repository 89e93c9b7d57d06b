"""The verbs of the API on one kind of object: list, watch, get, create, update, patch, delete."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from simulator.clock import Clock
from simulator.kubernetes import bodies, errors, lists, patching, presentation
from simulator.kubernetes.database import Key
from simulator.kubernetes.delete_request import delete_options
from simulator.kubernetes.http_messages import (
    Query,
    Request,
    Response,
    encoded_response,
    json_response,
    warning_header,
)
from simulator.kubernetes.json_values import encode
from simulator.kubernetes.patching import PatchType
from simulator.kubernetes.resources import Resource
from simulator.kubernetes.scale import scale_of, with_replicas
from simulator.kubernetes.status import ApiError, Object
from simulator.kubernetes.store import Store, Stored
from simulator.kubernetes.watches import (
    DEFAULT_TIMEOUT_SECONDS,
    Interest,
    Watcher,
    WatchHub,
)
from simulator.kubernetes.write_options import WriteOptions, write_options
from simulator.kubernetes.writes import Writes


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a path points at. ``namespace`` None means all; ``name`` "" the whole collection."""

    resource: Resource
    namespace: str | None
    name: str = ""
    subresource: str = ""

    @property
    def key(self) -> Key:
        return Key(self.resource.collection, self.namespace or "", self.name)


class ResourceEndpoints:
    def __init__(self, *, store: Store, writes: Writes, watches: WatchHub, clock: Clock) -> None:
        self._store = store
        self._writes = writes
        self._watches = watches
        self._now: Callable[[], datetime] = clock.now

    def answer(self, place: Place, request: Request) -> Response:
        """Raises ApiError: whatever is wrong with the request."""
        if place.subresource == "scale":
            return self._answer_scale(place, request)
        if place.subresource not in {"", "status"}:
            raise errors.no_such_path()
        return self._verb(place, request)(place, request)

    def _verb(self, place: Place, request: Request) -> Callable[[Place, Request], Response]:
        if not place.name:
            verbs = {
                "GET": self._watch if request.query.flag("watch") else self._list,
                "POST": self._create,
                "DELETE": self._delete_all,
            }
        else:
            verbs = {"GET": self._get, "PUT": self._update, "PATCH": self._patch}
            if not place.subresource:
                verbs["DELETE"] = self._delete
        if request.method not in verbs:
            raise errors.method_not_allowed()
        return verbs[request.method]

    def _get(self, place: Place, request: Request) -> Response:
        if request.query.flag("watch"):
            return self._watch(place, request)
        stored = self._store.get(place.key)
        if stored is None:
            raise errors.not_found(place.resource, place.name)
        return self._shown(place.resource, stored, request)

    def _shown(
        self,
        resource: Resource,
        stored: Stored,
        request: Request,
        *,
        status: int = 200,
        options: WriteOptions | None = None,
    ) -> Response:
        form = presentation.chosen(request, self._now)
        body = form.one(resource, stored)
        response = encoded_response(body, status, media_type=form.media_type)
        if options is not None and options.warnings:
            response.headers["Warning"] = warning_header(options.warnings)
        return response

    def _list(self, place: Place, request: Request) -> Response:
        form = presentation.chosen(request, self._now)
        page = lists.page(
            self._store, place.resource, place.namespace, request.query, request.cache
        )
        body = form.many(place.resource, page.items, page.metadata)
        return encoded_response(body, media_type=form.media_type)

    def _create(self, place: Place, request: Request) -> Response:
        resource, namespace = place.resource, place.namespace or ""
        options = write_options(request)
        obj = bodies.read_object(request)
        if resource.namespaced and place.namespace is None:
            namespace = str((obj.get("metadata") or {}).get("namespace") or "")
        obj = bodies.checked(obj, resource, namespace=namespace)
        created = self._writes.create(resource, namespace, obj, options)
        return self._written(place, created, request, options, status=201)

    def _written(
        self,
        place: Place,
        obj: Object,
        request: Request,
        options: WriteOptions,
        *,
        status: int = 200,
    ) -> Response:
        """The answer to a write: the object as it is at rest, shown in the version asked for."""
        return self._shown(
            place.resource, Stored(obj, encode(obj)), request, status=status, options=options
        )

    def _update(self, place: Place, request: Request) -> Response:
        options = write_options(request)
        obj = bodies.read_object(request)
        obj = bodies.checked(obj, place.resource, namespace=place.namespace or "", name=place.name)
        return self._written(place, self._replace(place, obj, options), request, options)

    def _replace(self, place: Place, obj: Object, options: WriteOptions) -> Object:
        if place.subresource == "status":
            return self._writes.update_status(place.resource, place.key, obj, options)
        return self._writes.update(place.resource, place.key, obj, options)

    def _patch(self, place: Place, request: Request) -> Response:
        kind = patching.patch_type(request, place.resource)
        options = write_options(request)
        if kind is PatchType.APPLY:
            return self._apply(place, request, options)
        live = place.resource.present(self._writes.live(place.resource, place.key))
        obj = patching.patched(kind, request, live, of_kind=place.resource.kind)
        obj = bodies.checked(obj, place.resource, namespace=place.namespace or "", name=place.name)
        return self._written(place, self._replace(place, obj, options), request, options)

    def _apply(self, place: Place, request: Request, options: WriteOptions) -> Response:
        if not request.query.text("fieldManager"):
            raise errors.bad_request(
                'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is '
                "required for apply patch"
            )
        applied = bodies.read_yaml(request.body)
        if not isinstance(applied, dict):
            raise errors.bad_request("the applied configuration must be an object")
        applied = bodies.checked(
            applied, place.resource, namespace=place.namespace or "", name=place.name
        )
        is_new = self._store.get(place.key) is None
        if is_new and place.subresource:
            raise errors.not_found(place.resource, place.name)
        obj = self._writes.apply(
            place.resource,
            place.key,
            applied,
            options,
            force=request.query.flag("force"),
            subresource=place.subresource,
        )
        return self._written(place, obj, request, options, status=201 if is_new else 200)

    def _delete(self, place: Place, request: Request) -> Response:
        options = delete_options(request)
        live = self._writes.live(place.resource, place.key)
        left = self._writes.delete(place.resource, place.key, options)
        if left is None:
            return json_response(_deleted_status(place.resource, live))
        return self._shown(place.resource, Stored(left, encode(left)), request)

    def _delete_all(self, place: Place, request: Request) -> Response:
        page = lists.page(
            self._store, place.resource, place.namespace, request.query, request.cache
        )
        options = delete_options(request)
        for item in page.items:
            metadata = item.object["metadata"]
            key = Key(place.resource.collection, metadata.get("namespace", ""), metadata["name"])
            if self._store.get(key) is not None:
                self._writes.delete(place.resource, key, options)
        form = presentation.chosen(request, self._now)
        body = form.many(place.resource, page.items, page.metadata)
        return encoded_response(body, media_type=form.media_type)

    def _answer_scale(self, place: Place, request: Request) -> Response:
        resource = place.resource
        live = resource.present(self._writes.live(resource, place.key))
        shown = scale_of(resource, live)
        if request.method == "GET":
            return json_response(shown)
        options = write_options(request)
        if request.method == "PUT":
            wanted = bodies.read_object(request)
        elif request.method == "PATCH":
            kind = patching.patch_type(request, resource)
            wanted = patching.patched(kind, request, shown, of_kind="Scale")
        else:
            raise errors.method_not_allowed()
        scaled = with_replicas(resource, live, wanted)
        stored = self._writes.update(resource, place.key, scaled, options)
        return json_response(scale_of(resource, resource.present(stored)))

    def _watch(self, place: Place, request: Request) -> Response:
        interest = self._interest(place, request)
        watcher = self._watches.join(interest)
        try:
            self._begin(watcher, request)
        except ApiError:
            watcher.close()
            raise
        headers = {"Content-Type": interest.presentation.media_type, "Cache-Control": "no-cache"}
        return Response(200, headers, watcher.stream())

    def _interest(self, place: Place, request: Request) -> Interest:
        query = request.query
        matches = lists.selection(place.resource, query)
        timeout = query.integer("timeoutSeconds")
        if place.name:
            by_selector, name = matches, place.name
            matches = lambda obj: obj["metadata"]["name"] == name and by_selector(obj)  # noqa: E731
        return Interest(
            resource=place.resource,
            namespace=place.namespace,
            matches=matches,
            presentation=presentation.chosen(request, self._now),
            bookmarks=query.flag("allowWatchBookmarks"),
            timeout_seconds=float(timeout) if timeout else DEFAULT_TIMEOUT_SECONDS,
            cache=request.cache,
        )

    def _begin(self, watcher: Watcher, request: Request) -> None:
        """Queues what the watch starts with; a version too old ends it with an ERROR event."""
        query, store = request.query, self._store
        with_initial = query.flag("sendInitialEvents")
        _check_initial_events(query)
        version = lists.requested_version(query, store.resource_version)
        if with_initial or (not version and "sendInitialEvents" not in query.values):
            shown = lists.version_shown(query, store, watcher.interest.cache)
            mark_end = with_initial and watcher.interest.bookmarks
            watcher.start(shown, self._existing(watcher.interest, shown), mark_end=mark_end)
        else:
            watcher.start(version or store.resource_version)
            watcher.catch_up(store)

    def _existing(self, interest: Interest, version: int) -> list[Stored]:
        found = lists.as_of(self._store, interest.resource.collection, interest.namespace, version)
        return [stored for _, stored in found if interest.matches(stored.object)]


def _check_initial_events(query: Query) -> None:
    if "sendInitialEvents" not in query.values:
        return
    if query.text("resourceVersionMatch") != "NotOlderThan":
        raise errors.invalid_options(
            "ListOptions",
            "resourceVersionMatch",
            "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        )


def _deleted_status(resource: Resource, last: Object) -> Object:
    details = {"name": last["metadata"]["name"], "kind": resource.plural}
    if resource.group:
        details["group"] = resource.group
    details["uid"] = last["metadata"]["uid"]
    head = {"kind": "Status", "apiVersion": "v1", "metadata": {}}
    return {**head, "status": "Success", "details": details}
