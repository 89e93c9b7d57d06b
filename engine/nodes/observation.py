"""The world at one instant, as one node claim sees it: plain values, no clients."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from engine.nodes.agent_pool import AgentPool, CloudError
from engine.setback import Setback


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolNode:
    """A Node that says it is of the claim's pool.

    ``gpus`` are those allocatable. ``problems`` are the conditions that are True and name a fault
    of its GPUs; ``taints`` are keys. ``pods`` is how many would have to leave before it goes.
    ``capacity`` and ``allocatable`` are quantities of Kubernetes, such as ``32Gi``.
    """

    name: str
    uid: str
    provider_id: str = ""
    ready: bool = False
    cordoned: bool = False
    gpus: int = 0
    problems: tuple[str, ...] = ()
    taints: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    capacity: Mapping[str, str] = field(default_factory=dict)
    allocatable: Mapping[str, str] = field(default_factory=dict)
    pods: int = 0
    releasing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeObservation:
    """``pool`` is the one of the claim's name, of whomever; ``refusal`` what Azure last answered
    to our asking for it, None once it said yes."""

    at: datetime
    pool: AgentPool | None = None
    nodes: tuple[PoolNode, ...] = ()
    refusal: CloudError | None = None
    setbacks: tuple[Setback, ...] = ()
