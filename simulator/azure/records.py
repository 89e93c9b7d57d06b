"""What the simulated Azure remembers: pools, operations, machines, the cluster. Values.

Whatever chance or a plan decides about them is decided once and written down as an instant, so a
restart changes nobody's fate.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from engine.instance_types import InstanceType, find_instance_type
from simulator.azure.failures import Failure, Object

NEVER = datetime.max.replace(tzinfo=UTC)
SPOT = "Spot"
DEALLOCATE = "Deallocate"


def after(instant: datetime, seconds: float) -> datetime:
    """NEVER where ``seconds`` is infinite."""
    forever = math.isinf(seconds) or instant == NEVER
    return NEVER if forever else instant + timedelta(seconds=seconds)


def is_spot(properties: Object) -> bool:
    return properties.get("scaleSetPriority") == SPOT


def size_of(properties: Object) -> InstanceType:
    """Raises ValueError where it is of no known size: such pools are not taken."""
    size = find_instance_type(properties["vmSize"])
    if size is None:
        raise ValueError(f"{properties['vmSize']!r} is no known size")
    return size


class State(StrEnum):
    """A ``provisioningState``: what is being done, or how the last of it ended."""

    CREATING = "Creating"
    UPDATING = "Updating"
    SCALING = "Scaling"
    UPGRADING = "UpgradingNodeImageVersion"
    STARTING = "Starting"
    STOPPING = "Stopping"
    CANCELING = "Canceling"
    DELETING = "Deleting"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELED = "Canceled"


class Power(StrEnum):
    RUNNING = "Running"
    STOPPED = "Stopped"


class Status(StrEnum):
    """Of an operation."""

    IN_PROGRESS = "InProgress"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELED = "Canceled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """``pool`` is "" for one of the whole cluster; ``doing`` is what its resource shows meanwhile.

    It ends at ``ends_at`` or, where machines have to come or go first, later. ``doomed`` is what
    it will fail with then; ``failure`` what it did fail with.
    """

    id: str
    pool: str
    doing: State
    started_at: datetime
    ends_at: datetime
    doomed: Failure | None = None
    status: Status = Status.IN_PROGRESS
    failure: Failure | None = None
    ended_at: datetime | None = None
    honours_budgets: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """``properties`` as ARM shows them, less what the other fields tell.

    ``operation`` is the latest one's id.
    """

    name: str
    etag: str
    state: State
    operation: str
    properties: Object
    power: Power = Power.RUNNING
    failure: Failure | None = None

    @property
    def count(self) -> int:
        return int(self.properties["count"])

    @property
    def is_spot(self) -> bool:
        return is_spot(self.properties)

    @property
    def keeps_evicted(self) -> bool:
        """Whether evicted spot machines stay, without power, and count."""
        return self.properties.get("scaleSetEvictionPolicy") == DEALLOCATE

    @property
    def zones(self) -> tuple[str, ...]:
        return tuple(self.properties.get("availabilityZones") or ())

    @property
    def image(self) -> str:
        return str(self.properties["nodeImageVersion"])

    @property
    def size(self) -> InstanceType:
        return size_of(self.properties)


class Stage(StrEnum):
    """Of a machine. STOPPED and GONE ones have no virtual machine that runs."""

    BOOTING = "Booting"
    RUNNING = "Running"
    DRAINING = "Draining"
    EVICTING = "Evicting"
    REMOVING = "Removing"
    STOPPED = "Stopped"
    GONE = "Gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A virtual machine of a pool, and the Node that it is or will be.

    ``until`` ends the present stage; ``gpus`` is how many its device plugin will find.
    """

    pool: str
    index: int
    node: str
    zone: str
    image: str
    joins_at: datetime
    gpus: int
    gpus_at: datetime
    stage: Stage = Stage.BOOTING
    until: datetime = NEVER

    @property
    def key(self) -> str:
        return f"{self.pool}/{self.index:06d}"

    @property
    def exists(self) -> bool:
        """Whether Azure still has it."""
        return self.stage is not Stage.GONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The managed cluster's own standing."""

    etag: str
    state: State = State.SUCCEEDED
    power: Power = Power.RUNNING
    operation: str = ""
