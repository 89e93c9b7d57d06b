"""From a request's path to what answers it."""

from simulator.kubernetes import bodies, discovery, errors, openapi_v2, reviews
from simulator.kubernetes.http_messages import (
    Request,
    Response,
    encoded_response,
    json_response,
)
from simulator.kubernetes.openapi import OpenApi
from simulator.kubernetes.pod_endpoints import STREAMS, PodEndpoints
from simulator.kubernetes.registry import Registry
from simulator.kubernetes.resource_endpoints import Place, ResourceEndpoints
from simulator.kubernetes.resources import Resource
from simulator.kubernetes.status import Object

_POD_PATHS = STREAMS | {"binding", "eviction", "log"}
_NAMESPACE_SUBRESOURCES = frozenset({"finalize", "status"})
VERSION: Object = {
    "major": "1",
    "minor": "37",
    "gitVersion": "v1.37.0+moorage",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "simulated",
}


class Routes:
    def __init__(
        self, *, registry: Registry, resources: ResourceEndpoints, pods: PodEndpoints
    ) -> None:
        self._registry = registry
        self._resources = resources
        self._pods = pods
        self._openapi = OpenApi(registry)

    async def answer(self, request: Request) -> Response:
        """Raises ApiError: whatever is wrong with the request."""
        match request.path:
            case ("api", "v1", *rest) if rest:
                return await self._answer_resource("", "v1", rest, request)
            case ("apis", group, version, *rest) if rest:
                return await self._answer_resource(group, version, rest, request)
            case path:
                if request.method not in {"GET", "HEAD"}:
                    raise errors.method_not_allowed()
                return self._answer_index(path, request)

    def _answer_index(self, path: tuple[str, ...], request: Request) -> Response:
        match path:
            case ("version",):
                return json_response(VERSION)
            case ("healthz" | "livez" | "readyz", *_):
                return encoded_response(b"ok", media_type="text/plain")
            case ("api" | "apis", *_):
                return self._answer_discovery(path, request)
            case ("openapi", "v2"):
                return encoded_response(openapi_v2.document(), media_type=openapi_v2.MEDIA_TYPE)
            case ("openapi", "v3", *rest):
                return self._answer_openapi(rest)
            case ():
                return json_response({"paths": ["/api", "/apis", "/healthz", "/openapi/v3"]})
            case _:
                raise errors.no_such_path()

    def _answer_discovery(self, path: tuple[str, ...], request: Request) -> Response:
        match path:
            case (root,):
                return discovery.index(self._registry, request, core=root == "api")
            case ("api", version):
                return _found(discovery.resource_list(self._registry, "", version))
            case ("apis", group):
                return _found(discovery.group(self._registry, group))
            case ("apis", group, version):
                return _found(discovery.resource_list(self._registry, group, version))
            case _:
                raise errors.no_such_path()

    def _answer_openapi(self, path: list[str]) -> Response:
        match path:
            case []:
                return json_response(self._openapi.index())
            case ["api", version]:
                return self._openapi_document("", version)
            case ["apis", group, version]:
                return self._openapi_document(group, version)
            case _:
                raise errors.no_such_path()

    def _openapi_document(self, group: str, version: str) -> Response:
        document = self._openapi.document(group, version)
        if not document:
            raise errors.no_such_path()
        return encoded_response(document)

    async def _answer_resource(
        self, group: str, version: str, rest: list[str], request: Request
    ) -> Response:
        place = self._place(group, version, rest)
        if "list" not in place.resource.verbs:
            return self._answer_review(place.resource, request)
        if place.resource.collection == "pods" and place.subresource in _POD_PATHS:
            return await self._pods.answer(place, request)
        return self._resources.answer(place, request)

    def _place(self, group: str, version: str, rest: list[str]) -> Place:
        """Raises ApiError 404 for a path that leads nowhere."""
        namespace = None
        match rest:
            case ["namespaces", name, plural, *more] if plural not in _NAMESPACE_SUBRESOURCES:
                namespace, rest = name, [plural, *more]
        plural, name, subresource, *too_much = [*rest, "", ""] if len(rest) < 3 else rest  # noqa: PLR2004 - plural, name, subresource
        resource = self._registry.at(group, version, plural)
        if resource is None or any(too_much) or not _fits(resource, namespace, name):
            raise errors.no_such_path()
        if subresource and resource.subresource(subresource) is None:
            raise errors.no_such_path()
        return Place(resource=resource, namespace=namespace, name=name, subresource=subresource)

    def _answer_review(self, resource: Resource, request: Request) -> Response:
        if request.method != "POST":
            raise errors.method_not_allowed()
        review = reviews.reviewed(resource.kind, bodies.read_object(request))
        if review is None:
            raise errors.no_such_path()
        return json_response(review, 201)

    def pod_stream(self, request: Request) -> Place:
        """Raises ApiError where the path is none of a pod's streams."""
        match request.path:
            case ("api", "v1", *rest) if rest:
                place = self._place("", "v1", rest)
                if place.resource.collection == "pods" and place.subresource in STREAMS:
                    return place
        raise errors.no_such_path()


def _fits(resource: Resource, namespace: str | None, name: str) -> bool:
    """Whether the path names a namespace where the kind has one, and only there."""
    if not resource.namespaced:
        return namespace is None
    return namespace is not None or not name


def _found(document: Object | None) -> Response:
    if document is None:
        raise errors.no_such_path()
    return json_response(document)
