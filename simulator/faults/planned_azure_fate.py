"""The fate of agent pools as a plan has it: the cloud's faults, in Azure's words."""

import math
from collections.abc import Mapping

from simulator.azure.failures import Refusal, allocation_failed, quota_exceeded
from simulator.azure.fate import CreationFate, DeletionFate, MachineFate
from simulator.azure.messages import Request
from simulator.azure.records import Pool
from simulator.faults.planned_fate import PlannedFate
from simulator.faults.vocabulary import GpusLate, LaunchFails, LaunchLost, LaunchSlow, Quota
from simulator.kubernetes.status import Object


class PlannedAzureFate:
    """Implements ``simulator.azure.fate.Fate``."""

    def __init__(self, planned: PlannedFate) -> None:
        self._planned = planned

    def of_request(self, request: Request) -> Refusal | None:
        if request.method != "PUT":
            return None
        properties = request.json().get("properties") or {}
        asked = _meant(request.path[-1], properties.get("nodeLabels") or {})
        if self._planned.take(asked, Quota) is None:
            return None
        family = properties.get("vmSize", "")
        return quota_exceeded(f"{family} family", "simulated", limit=24, usage=24, required=24)

    def of_creation(self, pool: Pool) -> CreationFate:
        match self._planned.take(_pool(pool), LaunchFails | LaunchSlow | LaunchLost):
            case LaunchFails():
                return CreationFate(failure=allocation_failed(pool.properties["vmSize"]))
            case LaunchSlow(seconds=seconds):
                return CreationFate(delay=seconds)
            case LaunchLost():
                return CreationFate(delay=math.inf)
        return CreationFate()

    def of_machine(self, pool: Pool) -> MachineFate:
        late = self._planned.take(_pool(pool), GpusLate)
        return MachineFate(gpu_delay=late.seconds if isinstance(late, GpusLate) else 0.0)

    def of_deletion(self, pool: Pool) -> DeletionFate:  # noqa: ARG002
        return DeletionFate()


def _pool(pool: Pool) -> Object:
    return _meant(pool.name, pool.properties.get("nodeLabels") or {})


def _meant(name: str, labels: Mapping[str, str]) -> Object:
    """As faults choose by: the labels say whose workspace it is for."""
    return {"kind": "AgentPool", "metadata": {"name": name, "labels": labels}}
