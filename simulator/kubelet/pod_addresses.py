"""Addresses of pods: 127.65.b.0/24 of the cluster's block b, then 127.66.b.0/24 and so on.

A further network is begun only when one is used up, which takes a large simulated cluster. The
whole of 127.0.0.0/8 is loopback on Linux, so each address can be bound without set-up.
"""

from collections.abc import Iterator
from itertools import cycle

from simulator.kubernetes.status import Object

NETWORKS = range(65, 128)
HOSTS = range(1, 255)
CAPACITY = len(NETWORKS) * len(HOSTS)


class NoAddressLeftError(Exception):
    """Every pod address of the cluster is in use."""


class PodAddresses:
    """Goes on from the latest address given, so that one just released is not reused at once."""

    def __init__(self, block: int) -> None:
        self._block = block
        self._assigned: dict[str, str] = {}
        self._used: set[str] = set()
        self._candidates = {network: cycle(self._network(network)) for network in NETWORKS}

    def assign(self, pod: Object, node_address: str) -> str:
        """The pod's address: its node's, the one it has already, or a free one."""
        if pod["spec"].get("hostNetwork"):
            return node_address
        uid = pod["metadata"]["uid"]
        present: str = pod.get("status", {}).get("podIP", "")
        if uid in self._assigned:
            return self._assigned[uid]
        if not present or present in self._used or not self._is_ours(present):
            present = self._free()
        self._assigned[uid] = present
        self._used.add(present)
        return present

    def release(self, uid: str) -> None:
        self._used.discard(self._assigned.pop(uid, ""))

    def _free(self) -> str:
        for candidates in self._candidates.values():
            for _ in HOSTS:
                address = next(candidates)
                if address not in self._used:
                    return address
        raise NoAddressLeftError(
            f"all {CAPACITY} pod addresses of this cluster are in use; delete some pods"
        )

    def _is_ours(self, address: str) -> bool:
        first, network, block, _host = address.split(".")
        return first == "127" and int(network) in NETWORKS and int(block) == self._block

    def _network(self, network: int) -> Iterator[str]:
        return (f"127.{network}.{self._block}.{host}" for host in HOSTS)
