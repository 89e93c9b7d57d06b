"""The AKS cluster that the simulated Azure has, and the names that follow from it. Pure."""

import hashlib
from dataclasses import dataclass

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_SUFFIX_LENGTH = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedCluster:
    """``region`` is where all of it is."""

    subscription: str = "00000000-0000-0000-0000-000000000000"
    resource_group: str = "moorage"
    name: str = "moorage"
    region: str = "swedencentral"

    @property
    def id(self) -> str:
        """AKS writes ``resourcegroups`` in lower case where others do not."""
        return (
            f"/subscriptions/{self.subscription}/resourcegroups/{self.resource_group}"
            f"/providers/Microsoft.ContainerService/managedClusters/{self.name}"
        )

    @property
    def provider(self) -> str:
        """Where AKS keeps what is no cluster's: operations."""
        return (
            f"/subscriptions/{self.subscription}/providers/Microsoft.ContainerService"
            f"/locations/{self.region}"
        )

    @property
    def node_resource_group(self) -> str:
        """Where the machines are."""
        return f"MC_{self.resource_group}_{self.name}_{self.region}"

    def pool_id(self, pool: str) -> str:
        return f"{self.id}/agentPools/{pool}"

    def scale_set(self, pool: str) -> str:
        """One number for all pools of a cluster: a pool that is made again has the same names."""
        digest = hashlib.sha256(self.id.lower().encode()).digest()
        return f"aks-{pool}-{int.from_bytes(digest[:8], 'big') % 10**8:08d}-vmss"

    def instance_id(self, pool: str, index: int) -> str:
        """Of a virtual machine; the Node's ``providerID`` is this behind ``azure://``."""
        return (
            f"/subscriptions/{self.subscription}/resourceGroups/{self.node_resource_group}"
            "/providers/Microsoft.Compute/virtualMachineScaleSets"
            f"/{self.scale_set(pool)}/virtualMachines/{index}"
        )

    def node_name(self, pool: str, index: int, *, local: bool = False) -> str:
        name = f"{self.scale_set(pool)}{_base_36(index)}"
        return f"local-{name.removeprefix('aks-')}" if local else name


def _base_36(number: int) -> str:
    text = ""
    for _ in range(_SUFFIX_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        text = _DIGITS[digit] + text
    return text
