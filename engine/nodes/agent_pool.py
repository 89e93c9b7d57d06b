"""Agent pools of AKS as the node engine sees them, and the port through which it reaches them.

One node claim becomes one pool of one node: the stable API creates pools, not machines.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from engine.capacity_type import CapacityType
from engine.errors import EngineError


class PoolState(StrEnum):
    """What ``provisioningState`` amounts to; words that we do not know mean work under way.

    UNKNOWN is ours: Azure will not tell, so the pool is neither there nor gone.
    """

    CREATING = "Creating"
    CHANGING = "Changing"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELING = "Canceling"
    CANCELED = "Canceled"
    DELETING = "Deleting"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudError:
    """What Azure said no with.

    ``status`` is HTTP's (200 for an operation that failed late), ``code`` ARM's, ``inner`` the
    codes of its details from the outside in. ``message`` is for people only. ``retry_after`` is
    in seconds.
    """

    status: int
    code: str
    message: str = ""
    inner: tuple[str, ...] = ()
    retry_after: float | None = None


class CloudRefused(EngineError):
    """Azure answered, and said no."""

    def __init__(self, error: CloudError) -> None:
        super().__init__(f"{error.code or 'HTTP'} ({error.status}): {error.message}")
        self.error = error


@dataclass(frozen=True, slots=True, kw_only=True)
class Taint:
    key: str
    value: str = ""
    effect: str = "NoSchedule"

    def __str__(self) -> str:
        return f"{self.key}={self.value}:{self.effect}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPoolRequest:
    """A pool of one node. ``owner`` is the uid of the claim it is for; ``disk_gib`` 0 leaves the
    choice to AKS; without ``zones`` the placement is regional."""

    name: str
    owner: str
    vm_size: str
    capacity_type: CapacityType = CapacityType.ON_DEMAND
    os_sku: str = "Ubuntu"
    disk_gib: int = 0
    zones: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPool:
    """``owner`` is "" where the pool is not ours. ``error`` is why it failed, where AKS tells.

    ``told`` is AKS's own word for the state; ``etag`` guards changes.
    """

    name: str
    state: PoolState
    told: str = ""
    owner: str = ""
    vm_size: str = ""
    count: int = 1
    stopped: bool = False
    error: CloudError | None = None
    etag: str = ""


class AgentPools(Protocol):
    """The pools of one cluster. Calls never wait for what they began: look again later.

    All raise CloudRefused for what Azure answers and Unreachable where it does not answer.
    """

    async def get(self, name: str) -> AgentPool | None:
        """None only where AKS itself says that there is no such pool, or no pool can be named so.

        A cluster or resource group that is missing is CloudRefused (404, ``ResourceNotFound`` or
        ``ResourceGroupNotFound``): that is no news of the pool.
        """
        ...

    async def list(self) -> Sequence[AgentPool]:
        """Every pool of the cluster, of whomever."""
        ...

    async def create(self, request: AgentPoolRequest) -> AgentPool:
        """Begins to make a pool if there is none of that name.

        Where there is one, raises CloudRefused with status 412, whosoever it is.
        """
        ...

    async def abort(self, pool: AgentPool) -> None:
        """Asks for the pool's latest operation to be given up; one that has ended is fine."""
        ...

    async def delete(self, pool: AgentPool, *, ignore_disruption_budgets: bool = False) -> None:
        """Begins to delete the pool as it was seen; one that is gone, or going, is fine.

        Raises CloudRefused with status 412 where it changed since it was seen.
        """
        ...
