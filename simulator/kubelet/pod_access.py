"""What the parts that run one container share of its pod."""

from collections.abc import Callable
from dataclasses import dataclass

from simulator.clock import Clock
from simulator.controllers.events import EventRecorder
from simulator.kubelet.runtime import ContainerConfig, ContainerRuntime
from simulator.kubernetes.status import Object
from simulator.timings import Timings


@dataclass(frozen=True, slots=True, kw_only=True)
class PodAccess:
    """``pod`` answers the pod as it is now; ``configure`` takes a container and its attempt."""

    pod: Callable[[], Object]
    configure: Callable[[Object, int], ContainerConfig]
    runtime: ContainerRuntime
    events: EventRecorder
    clock: Clock
    timings: Timings

    def normal(self, reason: str, message: str) -> None:
        self.events.normal(self.pod(), reason, message)

    def warning(self, reason: str, message: str) -> None:
        self.events.warning(self.pod(), reason, message)
