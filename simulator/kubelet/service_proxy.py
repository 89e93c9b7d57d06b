"""kube-proxy's part: what a Service's cluster IP answers, and a simulated pod's own address.

Cluster IPs and pod IPs are loopback addresses that this machine really has, so the proxy just
listens on them and forwards to the pods that are ready at that moment, in turn.
"""

import asyncio
import errno
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from simulator.kubelet.listener import Handle, Listener
from simulator.kubelet.pod_worker import SIMULATED_ANNOTATION
from simulator.kubelet.refusal import refuse, simulated, unavailable
from simulator.kubelet.service_endpoints import (
    Endpoint,
    ServicePort,
    ready_endpoints,
    service_ports,
    why_none_is_ready,
)
from simulator.kubelet.splice import Stream, splice
from simulator.kubernetes.objects import Change, Objects
from simulator.kubernetes.status import ApiError, Object

log = logging.getLogger(__name__)

SUBSTITUTE_PORTS_ANNOTATION = "moorage.sh/substitute-ports"
CONNECT_TIMEOUT_SECONDS = 5.0
POD_LISTENER_LIMIT = 512  # a large simulated cluster must not use up the descriptors


@dataclass(frozen=True, slots=True, order=True)
class Address:
    host: str
    port: int


class ServiceProxy:
    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._listeners: dict[Address, Listener] = {}
        self._bound: dict[Address, int] = {}
        self._turns: dict[ServicePort, int] = {}
        self._dirty = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled."""
        unsubscribe = self._objects.subscribe(self._on_change)
        self._dirty.set()
        try:
            while True:
                await self._dirty.wait()
                self._dirty.clear()
                await self._follow()
        finally:
            unsubscribe()
            await asyncio.gather(*(listener.stop() for listener in self._listeners.values()))

    def _on_change(self, change: Change) -> None:
        if change.object["kind"] in ("Service", "Pod"):
            self._dirty.set()

    async def _follow(self) -> None:
        wanted = dict(self._wanted())
        for address in self._listeners.keys() - wanted.keys():
            self._bound.pop(address, None)
            await self._listeners.pop(address).stop()
        for address, handle in wanted.items():
            if address not in self._listeners:
                await self._listen(address, handle)
        for service in self._objects.list("Service"):
            self._annotate(service)

    def _wanted(self) -> Iterator[tuple[Address, Handle]]:
        for service in self._objects.list("Service"):
            host = service["spec"].get("clusterIP") or "None"
            for port in service_ports(service) if host != "None" else ():
                yield Address(host, port.number), partial(self._forward, port)
        for address, reason in self._simulated_ports():
            yield address, partial(refuse, refusal=simulated(reason))

    def _simulated_ports(self) -> list[tuple[Address, str]]:
        ports = [
            (Address(pod["status"]["podIP"], port["containerPort"]), reason)
            for pod in self._objects.list("Pod")
            if (reason := (pod["metadata"].get("annotations") or {}).get(SIMULATED_ANNOTATION))
            and pod.get("status", {}).get("podIP")
            and not pod["spec"].get("hostNetwork")
            for container in pod["spec"]["containers"]
            for port in container.get("ports") or ()
        ]
        return ports[:POD_LISTENER_LIMIT]

    async def _listen(self, address: Address, handle: Handle) -> None:
        listener = self._listeners[address] = Listener(handle)
        for port in (address.port, self._former_substitute(address), 0):
            try:
                self._bound[address] = await listener.start(address.host, port)
            except OSError as error:
                if error.errno not in (errno.EACCES, errno.EADDRINUSE):
                    log.warning("cannot listen on %s:%d: %s", address.host, port, error)
                    return
            else:
                return

    def _former_substitute(self, address: Address) -> int:
        """The port that stood in for this one before a restart, so that clients find it again."""
        for service in self._objects.list("Service"):
            if service["spec"].get("clusterIP") == address.host:
                return _substitutes(service).get(str(address.port), 0)
        return 0

    def _annotate(self, service: Object) -> None:
        """Tells which other ports had to be taken, where a port of the Service can't be bound."""
        host = service["spec"].get("clusterIP", "")
        substitutes = {
            str(port.number): bound
            for port in service_ports(service)
            if (bound := self._bound.get(Address(host, port.number), port.number)) != port.number
        }
        if substitutes == _substitutes(service):
            return
        annotations = dict(service["metadata"].get("annotations") or {})
        annotations.pop(SUBSTITUTE_PORTS_ANNOTATION, None)
        if substitutes:
            annotations[SUBSTITUTE_PORTS_ANNOTATION] = json.dumps(substitutes)
        metadata = {**service["metadata"], "annotations": annotations}
        try:
            self._objects.update({**service, "metadata": metadata})
        except ApiError as error:
            log.warning("Service %s: %s", service["metadata"]["name"], error)

    async def _forward(
        self, port: ServicePort, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        endpoints = ready_endpoints(self._objects, port)
        if not endpoints:
            reason = why_none_is_ready(self._objects, port)
            await refuse(reader, writer, unavailable(reason))
            return
        turn = self._turns[port] = self._turns.get(port, -1) + 1
        endpoint = endpoints[turn % len(endpoints)]
        if endpoint.simulated_because is not None:
            await refuse(reader, writer, simulated(endpoint.simulated_because))
            return
        try:
            server = await _connect(endpoint)
        except OSError as error:
            reason = f"{port}: its endpoint {endpoint.address}:{endpoint.port} failed: {error}"
            await refuse(reader, writer, unavailable(reason))
            return
        try:
            await splice((reader, writer), server)
        finally:
            server[1].close()


async def _connect(endpoint: Endpoint) -> Stream:
    """Raises OSError; a timeout is one."""
    async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
        return await asyncio.open_connection(endpoint.address, endpoint.port)


def _substitutes(service: Object) -> dict[str, int]:
    annotations = service["metadata"].get("annotations") or {}
    try:
        value = json.loads(annotations.get(SUBSTITUTE_PORTS_ANNOTATION, "{}"))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
