"""A machine that loses its power, and its kubelet's falling silent, noticed as on a real one."""

from typing import Protocol

from simulator.clock import Clock
from simulator.kubelet.node_status import LEASE_NAMESPACE
from simulator.kubernetes.objects import Objects

NOTICED_AFTER = 40
"""Seconds of silence after which the node controller takes a node for lost."""


class Silenceable(Protocol):
    """What is asked of the cluster's kubelets."""

    def silence(self, name: str) -> None: ...

    def revive(self, name: str) -> None: ...


class MachinePower:
    """``usual_lease`` in seconds is what a kubelet that reports promises."""

    def __init__(
        self, objects: Objects, clock: Clock, kubelets: Silenceable, *, usual_lease: float
    ) -> None:
        self._objects = objects
        self._clock = clock
        self._kubelets = kubelets
        self._usual_lease = int(usual_lease)

    def off(self, node: str) -> None:
        """Its last lease runs out soon; doing it twice is doing it once."""
        self._kubelets.silence(node)
        self._renew(node, min(NOTICED_AFTER, self._usual_lease))

    def on(self, node: str) -> None:
        self._renew(node, self._usual_lease)
        self._kubelets.revive(node)

    def _renew(self, node: str, seconds: int) -> None:
        lease = self._objects.find("Lease", node, LEASE_NAMESPACE)
        if lease is None or lease["spec"]["leaseDurationSeconds"] == seconds:
            return
        now = self._clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = {**lease["spec"], "leaseDurationSeconds": seconds, "renewTime": now}
        self._objects.update({**lease, "spec": spec})
