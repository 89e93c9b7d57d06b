"""What can go wrong in Azure beneath our own node engine, as values.

They strike only where nodes come from the simulated Azure. Beside them, the faults of every cloud
(``vocabulary``: Quota, LaunchFails, SpotEviction, …) strike there in Azure's own way.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureDenies:
    """Azure refuses to change agent pools for a while: by policy, for want of a role or a token."""

    code: Literal["AZ-deny"] = "AZ-deny"
    why: Literal["policy", "role", "token"] = "role"
    seconds: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterBusy:
    """Another operation on the cluster runs for a while; pools cannot be changed meanwhile."""

    code: Literal["AZ-busy"] = "AZ-busy"
    seconds: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ListLags:
    """Azure's list of agent pools stands still for a while; single pools are told as they are."""

    code: Literal["AZ-lag"] = "AZ-lag"
    seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BootFails:
    """The next pools fail late, their machines half set up; one joins the cluster all the same."""

    code: Literal["BOOT-fail"] = "BOOT-fail"
    workspace: int | None = None
    times: int = 1
    joins_after: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeNeverJoins:
    """The next pools succeed, and no Node of theirs ever comes."""

    code: Literal["NO-node"] = "NO-node"
    workspace: int | None = None
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class GpusMissing:
    """The next machines show one GPU less than their size has."""

    code: Literal["GPU-few"] = "GPU-few"
    workspace: int | None = None
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionFails:
    """The next deletions of pools fail, since pods could not be evicted."""

    code: Literal["DEL-fail"] = "DEL-fail"
    workspace: int | None = None
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionSlow:
    """The next deletions of pools take so much longer."""

    code: Literal["DEL-slow"] = "DEL-slow"
    workspace: int | None = None
    seconds: float = 900.0
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolDeleted:
    """Somebody deletes a pool of the workspace's."""

    code: Literal["POOL-del"] = "POOL-del"
    workspace: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolStopped:
    """Somebody stops a pool of the workspace's, and starts it again later."""

    code: Literal["POOL-stop"] = "POOL-stop"
    workspace: int = 0
    seconds: float = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageUpgrade:
    """AKS moves a pool to another node image: for a while it has two Nodes, then another one."""

    code: Literal["UPGRADE"] = "UPGRADE"
    workspace: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineLost:
    """A machine is gone without notice; its pool still counts it, and its Node looks well."""

    code: Literal["VM-lost"] = "VM-lost"
    workspace: int = 0


AzureFault = (
    AzureDenies
    | ClusterBusy
    | ListLags
    | BootFails
    | NodeNeverJoins
    | GpusMissing
    | DeletionFails
    | DeletionSlow
    | PoolDeleted
    | PoolStopped
    | ImageUpgrade
    | MachineLost
)
