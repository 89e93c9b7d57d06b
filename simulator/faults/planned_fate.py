"""The fate of machines and containers as a plan has it."""

from collections.abc import Callable
from dataclasses import dataclass

from simulator.fate import LaunchFate, StartFate
from simulator.faults.azure_vocabulary import (
    AzureDenies,
    BootFails,
    DeletionFails,
    DeletionSlow,
    GpusMissing,
    NodeNeverJoins,
)
from simulator.faults.vocabulary import (
    GpusLate,
    LaunchFails,
    LaunchLost,
    LaunchSlow,
    LoadFails,
    LoadSlow,
    PullFails,
    Quota,
)
from simulator.history import workspace_of
from simulator.kubelet.fated_runtime import MODEL_CONTAINER
from simulator.kubernetes.status import Object
from simulator.wire.sent import workspace_name

LaunchFault = Quota | LaunchFails | LaunchSlow | LaunchLost
LoadFault = LoadSlow | LoadFails
PoolFate = BootFails | NodeNeverJoins | GpusMissing | DeletionFails | DeletionSlow
FateFault = LaunchFault | LoadFault | GpusLate | PullFails | PoolFate | AzureDenies
Told = Callable[[int, str, str], None]
"""Element, code and target of a fault that takes effect."""

QUOTA_REASON = "InsufficientCapacityError"
"""What Karpenter's providers write where quota or capacity is wanting."""


@dataclass(slots=True)
class Pending:
    """``left`` counts what it will still befall; a pull fault lasts until ``until`` instead."""

    element: int
    fault: FateFault
    left: int
    until: float = 0.0


class PlannedFate:
    """Implements ``simulator.fate.Fate``; ``told`` hears of every fault as it strikes."""

    def __init__(self, told: Told, now: Callable[[], float]) -> None:
        self._told = told
        self._now = now
        self._pending: list[Pending] = []
        self._launches: dict[str, LaunchFate] = {}
        self._gpus: dict[str, float] = {}

    def arm(self, element: int, fault: FateFault) -> None:
        if isinstance(fault, PullFails | AzureDenies):
            self._pending.append(Pending(element, fault, 0, self._now() + fault.seconds))
        else:
            self._pending.append(Pending(element, fault, fault.times))

    def heal(self) -> None:
        """Nothing befalls anyone any more; lost launches are found again."""
        self._pending.clear()
        self._launches.clear()

    def of_launch(self, claim: Object) -> LaunchFate:
        uid = claim["metadata"]["uid"]
        if uid not in self._launches:
            fault = self.take(claim, Quota | LaunchFails | LaunchSlow | LaunchLost)
            self._launches[uid] = _launch_fate(fault)
        return self._launches[uid]

    def of_gpus(self, node: Object) -> float:
        uid = node["metadata"]["uid"]
        if uid not in self._gpus:
            fault = self.take(node, GpusLate)
            self._gpus[uid] = fault.seconds if isinstance(fault, GpusLate) else 0.0
        return self._gpus[uid]

    def of_pull(self, pod: Object) -> str:
        for one in self._pending:
            if isinstance(one.fault, PullFails) and one.until > self._now() and _is_of(pod, one):
                self._told(one.element, one.fault.code, f"images of {pod['metadata']['name']}")
                return "the registry does not answer: injected"
        return ""

    def denial(self) -> AzureDenies | None:
        """Why Azure lets nobody change pools now; None where it does."""
        for one in self._pending:
            if isinstance(one.fault, AzureDenies) and one.until > self._now():
                self._told(one.element, one.fault.code, "agent pools")
                return one.fault
        return None

    def of_start(self, pod: Object, container: str, attempt: int) -> StartFate:  # noqa: ARG002
        if container != MODEL_CONTAINER:
            return StartFate()
        fault = self.take(pod, LoadSlow | LoadFails)
        if isinstance(fault, LoadSlow):
            return StartFate(delay=fault.seconds)
        return StartFate(exit_code=1) if fault is not None else StartFate()

    def take(self, obj: Object, kinds: type | object) -> FateFault | None:
        """The first pending fault of these kinds that the object's workspace is meant by."""
        for one in self._pending:
            if isinstance(one.fault, kinds) and one.left and _is_of(obj, one):  # type: ignore[arg-type]
                one.left -= 1
                self._told(one.element, one.fault.code, obj["metadata"]["name"])
                return one.fault
        return None


def _launch_fate(fault: FateFault | None) -> LaunchFate:
    match fault:
        case Quota():
            return LaunchFate(refused=QUOTA_REASON)
        case LaunchFails():
            return LaunchFate(fails=True)
        case LaunchSlow():
            return LaunchFate(delay=fault.seconds)
        case LaunchLost():
            return LaunchFate(lost=True)
    return LaunchFate()


def _is_of(obj: Object, one: Pending) -> bool:
    if isinstance(one.fault, AzureDenies):
        return False
    number = one.fault.workspace
    owner = workspace_of(obj)
    return number is None or (owner is not None and owner[1] == workspace_name(number))
