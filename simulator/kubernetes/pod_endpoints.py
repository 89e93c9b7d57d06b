"""The subresources that only pods have: log, binding, eviction, and the streams of containers."""

from collections.abc import AsyncIterator
from dataclasses import replace

from simulator.kubernetes import bodies, errors
from simulator.kubernetes.delete_request import delete_options_of
from simulator.kubernetes.http_messages import Query, Request, Response, json_response
from simulator.kubernetes.json_values import copied
from simulator.kubernetes.pod_streams import LogOptions, PodStreams, Session
from simulator.kubernetes.resource_endpoints import Place
from simulator.kubernetes.status import ApiError, Object
from simulator.kubernetes.store import Store
from simulator.kubernetes.write_options import write_options
from simulator.kubernetes.writes import Writes

STREAMS = frozenset({"attach", "exec", "portforward"})
_SUCCESS = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}


class PodEndpoints:
    def __init__(self, *, store: Store, writes: Writes, streams: PodStreams | None) -> None:
        self._store = store
        self._writes = writes
        self._streams = streams

    async def answer(self, place: Place, request: Request) -> Response:
        """Raises ApiError: whatever is wrong with the request."""
        match (place.subresource, request.method):
            case ("log", "GET"):
                return await self._log(place, request)
            case ("binding", "POST"):
                return self._bind(place, request)
            case ("eviction", "POST"):
                return self._evict(place, request)
            case (subresource, "GET" | "POST") if subresource in STREAMS:
                self.check_stream(place)
                raise errors.bad_request("Upgrade request required: a websocket is needed")
            case _:
                raise errors.method_not_allowed()

    async def _log(self, place: Place, request: Request) -> Response:
        pod = self.pod(place)
        container = container_of(pod, request.query)
        options = log_options(request.query)
        lines = self._required_streams(pod).logs(pod, container, options)
        return Response(200, {"Content-Type": "text/plain"}, await _started(lines))

    async def open_session(self, place: Place, query: Query) -> Session:
        """An attach or exec; raises ApiError where there is no such stream."""
        pod = self.pod(place)
        streams = self._required_streams(pod)
        container = container_of(pod, query)
        stdin, tty = query.flag("stdin"), query.flag("tty")
        if place.subresource == "attach":
            return await streams.attach(pod, container, stdin=stdin, tty=tty)
        command = query.texts("command")
        if not command:
            raise errors.bad_request("you must specify at least 1 command for the container")
        return await streams.exec(pod, container, command, stdin=stdin, tty=tty)

    async def dial(self, place: Place, port: int) -> tuple[str, int]:
        """Where this machine reaches the pod's ``port``; raises ApiError."""
        pod = self.pod(place)
        return await self._required_streams(pod).dial(pod, port)

    def check_stream(self, place: Place) -> None:
        """Raises ApiError where the pod is not there or has no node."""
        self._required_streams(self.pod(place))

    def pod(self, place: Place) -> Object:
        return self._writes.live(place.resource, place.key)

    def _required_streams(self, pod: Object) -> PodStreams:
        name = pod["metadata"]["name"]
        if not (pod.get("spec") or {}).get("nodeName"):
            raise errors.bad_request(f"pod {name} does not have a host assigned")
        if self._streams is None:
            raise ApiError(501, "NotImplemented", f"pod {name}: this cluster runs no containers")
        return self._streams

    def _bind(self, place: Place, request: Request) -> Response:
        """What a scheduler outside this process does: the pod gets its node."""
        options = write_options(request)
        node = (bodies.read_object(request).get("target") or {}).get("name")
        if not node:
            raise errors.bad_request("the binding names no target node")
        pod = copied(self.pod(place))
        if pod["spec"].get("nodeName"):
            why = f"pod {place.name} is already assigned to node {pod['spec']['nodeName']!r}"
            raise errors.conflict(place.resource, place.name, why)
        pod["spec"]["nodeName"] = node
        self._writes.update(place.resource, place.key, pod, replace(options, field_manager=""))
        return json_response(_SUCCESS, 201)

    def _evict(self, place: Place, request: Request) -> Response:
        """Deletes the pod unless a disruption budget forbids it just now."""
        eviction = bodies.read_object(request)
        pod = self.pod(place)
        for budget in self._store.objects("poddisruptionbudgets.policy", place.namespace):
            if _covers(budget, pod) and not _allows(budget):
                raise ApiError(
                    429,
                    "TooManyRequests",
                    "Cannot evict pod as it would violate the pod's disruption budget.",
                    retry_after_seconds=10,
                )
        options = delete_options_of(eviction.get("deleteOptions") or {}, request.query)
        self._writes.delete(place.resource, place.key, options)
        return json_response(_SUCCESS, 201)


def _covers(budget: Object, pod: Object) -> bool:
    wanted = ((budget["spec"].get("selector") or {}).get("matchLabels")) or {}
    labels = pod["metadata"].get("labels") or {}
    return bool(wanted) and all(labels.get(key) == value for key, value in wanted.items())


def _allows(budget: Object) -> bool:
    return int((budget.get("status") or {}).get("disruptionsAllowed", 0)) > 0


def container_of(pod: Object, query: Query) -> str:
    """The container meant, the only one where none is named; raises ApiError 400."""
    name, spec = pod["metadata"]["name"], pod.get("spec") or {}
    regular = [each["name"] for each in spec.get("containers") or ()]
    initial = [each["name"] for each in spec.get("initContainers") or ()]
    wanted = query.text("container")
    if wanted:
        if wanted not in {*regular, *initial}:
            raise errors.bad_request(f"container {wanted} is not valid for pod {name}")
        return wanted
    if len(regular) != 1:
        choices = f"choose one of: [{' '.join(regular)}]"
        if initial:
            choices += f" or one of the init containers: [{' '.join(initial)}]"
        raise errors.bad_request(f"a container name must be specified for pod {name}, {choices}")
    return str(regular[0])


def log_options(query: Query) -> LogOptions:
    return LogOptions(
        follow=query.flag("follow"),
        previous=query.flag("previous"),
        timestamps=query.flag("timestamps"),
        tail_lines=query.integer("tailLines"),
        since_seconds=query.integer("sinceSeconds"),
        limit_bytes=query.integer("limitBytes"),
    )


async def _started(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The stream after its first chunk was awaited, so that a refusal is still a status."""
    try:
        first = await anext(lines)
    except StopAsyncIteration:
        return _chain(b"", lines)
    return _chain(first, lines)


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if first:
        yield first
    async for chunk in rest:
        yield chunk
