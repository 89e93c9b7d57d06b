"""Every fault there is, as a value. ``code`` is its name in plans, logs and scoreboards.

Grouped by the boundary at which they strike: processes, requests, watches, foreign writers, the
cluster's rules, the cloud, nodes, pods. Seconds are virtual.
"""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from simulator.faults.azure_vocabulary import (
    AzureDenies,
    BootFails,
    ClusterBusy,
    DeletionFails,
    DeletionSlow,
    GpusMissing,
    ImageUpgrade,
    ListLags,
    MachineLost,
    NodeNeverJoins,
    PoolDeleted,
    PoolStopped,
)
from simulator.faults.triggers import Calls

# Processes.


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """``kill -9``; another takes its place after ``down`` seconds, knowing only what is stored."""

    code: Literal["CR"] = "CR"
    process: str = "engine"
    down: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StaleRestart:
    """A crash, after which the watch cache it reads lags ``age`` seconds behind, for ``heals``."""

    code: Literal["CR~tt"] = "CR~tt"
    process: str = "engine"
    down: float = 1.0
    age: float = 60.0
    heals: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelTask:
    """Cancels the task of ``process`` that is about to take a step; only a step can trigger it."""

    code: Literal["CANCEL"] = "CANCEL"
    process: str = "engine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Nothing of the process runs for a while, and then all of it goes on as if nothing was."""

    code: Literal["PAUSE"] = "PAUSE"
    process: str = "engine"
    seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockJump:
    """From now on the process's wall clock is off by so much more; undone when faults end."""

    code: Literal["CLK"] = "CLK"
    process: str = "engine"
    seconds: float = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondEngine:
    """Another engine works beside the first for a while, as in a rolling update."""

    code: Literal["ROLL"] = "ROLL"
    seconds: float = 120.0


# Requests. Each strikes the next ``times`` calls that match, once it is armed.


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBefore:
    """Answered with an error, and not carried out. ``status`` 0 breaks the connection."""

    code: Literal["EB"] = "EB"
    calls: Calls = field(default_factory=Calls)
    status: int = 500
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorAfter:
    """Carried out, and answered with an error. ``status`` 0 breaks the connection."""

    code: Literal["EA"] = "EA"
    calls: Calls = field(default_factory=Calls)
    status: int = 504
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """429 with Retry-After, not carried out."""

    code: Literal["429"] = "429"
    calls: Calls = field(default_factory=Calls)
    retry_after: int = 1
    times: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow:
    """The answer takes so much longer."""

    code: Literal["SLOW"] = "SLOW"
    calls: Calls = field(default_factory=Calls)
    seconds: float = 10.0
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflicting:
    """A foreign writer changes the object just before the call arrives."""

    code: Literal["CF"] = "CF"
    calls: Calls = field(default_factory=lambda: Calls(verb="write"))
    writes: Literal["annotation", "label", "finalizer", "condition"] = "annotation"
    times: int = 1


# Watches, of one kind ("" for all) by one process.


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Events are held back, then delivered."""

    code: Literal["FRZ"] = "FRZ"
    process: str = "engine"
    kind: str = ""
    seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Watches break and are refused for a while, and by then what they missed is forgotten."""

    code: Literal["GAP"] = "GAP"
    process: str = "engine"
    kind: str = ""
    seconds: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Expire:
    """Watches end with an ERROR event, 410 Expired."""

    code: Literal["410"] = "410"
    process: str = "engine"
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfOpen:
    """Present watches stay open and never deliver anything again, not even their end."""

    code: Literal["HALF"] = "HALF"
    process: str = "engine"
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookmarksOnly:
    """Events are held back while bookmarks of the last delivered version keep coming."""

    code: Literal["BM"] = "BM"
    process: str = "engine"
    kind: str = ""
    seconds: float = 120.0


# Foreign writers.


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignDelete:
    """Someone deletes one of the workspace's objects."""

    code: Literal["FDEL"] = "FDEL"
    kind: Literal["Service", "StatefulSet", "Pod", "NodeClaim"] = "Service"
    workspace: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignScale:
    """Someone scales the workspace's StatefulSet."""

    code: Literal["FSCALE"] = "FSCALE"
    workspace: int = 0
    replicas: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignRelabel:
    """Someone takes the workspace's labels off one of its objects; they come back later."""

    code: Literal["RELABEL"] = "RELABEL"
    kind: Literal["Node", "Service"] = "Node"
    workspace: int = 0
    seconds: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BringYourOwn:
    """Someone's own objects, named and labelled nearly as the workspace's: never ours to touch."""

    code: Literal["BYO"] = "BYO"
    workspace: int = 0


# The cluster's rules.


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceTerminates:
    """Someone deletes the workspaces' namespace; it is made again once it is empty."""

    code: Literal["NSW"] = "NSW"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDenies:
    """An admission webhook refuses the calls for a while."""

    code: Literal["WHK"] = "WHK"
    calls: Calls = field(default_factory=lambda: Calls(verb="write"))
    seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KindMissing:
    """The kind is not served for a while, as where its CRD is not installed."""

    code: Literal["KIND-"] = "KIND-"
    kind: str = "NodeClaim"
    seconds: float = 60.0


# The cloud. ``workspace`` None means any.


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """The cloud refuses the next launches for want of quota, and says so on the claim."""

    code: Literal["QUOTA"] = "QUOTA"
    workspace: int | None = None
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchFails:
    """The next launches fail late, and the provisioner deletes such claims, as Karpenter does."""

    code: Literal["LRO-fail"] = "LRO-fail"
    workspace: int | None = None
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchSlow:
    """The next launches take so much longer."""

    code: Literal["LRO-slow"] = "LRO-slow"
    workspace: int | None = None
    seconds: float = 900.0
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchLost:
    """The next launches never come to an end, until their claims are deleted."""

    code: Literal["LRO-lost"] = "LRO-lost"
    workspace: int | None = None
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotEviction:
    """One of the workspace's nodes is taken away, and its claim with it."""

    code: Literal["SPOT"] = "SPOT"
    workspace: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeNameReused:
    """One of the workspace's nodes is deleted and comes again under its name, as another node."""

    code: Literal["NAME"] = "NAME"
    workspace: int = 0


# Nodes.


@dataclass(frozen=True, slots=True, kw_only=True)
class GpusLate:
    """The next nodes show their GPUs so much later."""

    code: Literal["GPU-late"] = "GPU-late"
    workspace: int | None = None
    seconds: float = 300.0
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class GpusLost:
    """A node stays Ready and shows no allocatable GPU for a while."""

    code: Literal["GPU-lost"] = "GPU-lost"
    workspace: int = 0
    seconds: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSilent:
    """A node's kubelet is not heard of for a while."""

    code: Literal["NR"] = "NR"
    workspace: int = 0
    seconds: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ZombieKubelet:
    """A node that was deleted is written once more by its dying kubelet."""

    code: Literal["ZOMB"] = "ZOMB"
    workspace: int = 0


# Pods.


@dataclass(frozen=True, slots=True, kw_only=True)
class PullFails:
    """Images of the workspace's pods cannot be pulled for a while."""

    code: Literal["PULL"] = "PULL"
    workspace: int = 0
    seconds: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSlow:
    """The workspace's models take so much longer to load, from the next start on."""

    code: Literal["LOAD-slow"] = "LOAD-slow"
    workspace: int = 0
    seconds: float = 900.0
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFails:
    """The next starts of the workspace's models end with exit code 1."""

    code: Literal["LOAD-fail"] = "LOAD-fail"
    workspace: int = 0
    times: int = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfMemory:
    """A running model is killed for want of memory."""

    code: Literal["OOM"] = "OOM"
    workspace: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSilent:
    """A model's server stays ready and its model answers no more, until its process is replaced."""

    code: Literal["SILENT"] = "SILENT"
    workspace: int = 0


Fault = Annotated[
    Crash
    | StaleRestart
    | CancelTask
    | Pause
    | ClockJump
    | SecondEngine
    | ErrorBefore
    | ErrorAfter
    | Throttle
    | Slow
    | Conflicting
    | Freeze
    | Gap
    | Expire
    | HalfOpen
    | BookmarksOnly
    | ForeignDelete
    | ForeignScale
    | ForeignRelabel
    | BringYourOwn
    | NamespaceTerminates
    | WebhookDenies
    | KindMissing
    | Quota
    | LaunchFails
    | LaunchSlow
    | LaunchLost
    | SpotEviction
    | NodeNameReused
    | GpusLate
    | GpusLost
    | NodeSilent
    | ZombieKubelet
    | PullFails
    | LoadSlow
    | LoadFails
    | OutOfMemory
    | ModelSilent
    | AzureDenies
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
    | MachineLost,
    Field(discriminator="code"),
]
