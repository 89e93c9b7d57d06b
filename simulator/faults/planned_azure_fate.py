"""The fate of agent pools as a plan has it: the cloud's faults, in Azure's words."""

import math
from collections.abc import Mapping

from simulator.azure.failures import (
    Refusal,
    allocation_failed,
    boot_failed,
    drain_failed,
    not_authenticated,
    not_authorized,
    policy_denies,
    quota_exceeded,
)
from simulator.azure.fate import CreationFate, DeletionFate, MachineFate
from simulator.azure.messages import Request
from simulator.azure.records import Pool
from simulator.faults.azure_vocabulary import (
    AzureDenies,
    BootFails,
    DeletionFails,
    DeletionSlow,
    GpusMissing,
    NodeNeverJoins,
)
from simulator.faults.planned_fate import PlannedFate
from simulator.faults.vocabulary import GpusLate, LaunchFails, LaunchLost, LaunchSlow, Quota
from simulator.kubernetes.status import Object

DRIVER_FAILED = 84
"""AKS's node set-up exits with this where the GPU driver does not start (AgentBaker)."""


class PlannedAzureFate:
    """Implements ``simulator.azure.fate.Fate``."""

    def __init__(self, planned: PlannedFate) -> None:
        self._planned = planned

    def of_request(self, request: Request) -> Refusal | None:
        if request.method == "GET":
            return None
        denial = self._planned.denial()
        if denial is not None:
            return _denied(denial, request.path[-1])
        return self._wanting_quota(request) if request.method == "PUT" else None

    def _wanting_quota(self, request: Request) -> Refusal | None:
        properties = request.json().get("properties") or {}
        asked = _meant(request.path[-1], properties.get("nodeLabels") or {})
        if self._planned.take(asked, Quota) is None:
            return None
        family = properties.get("vmSize", "")
        return quota_exceeded(f"{family} family", "simulated", limit=24, usage=24, required=24)

    def of_creation(self, pool: Pool) -> CreationFate:
        match self._planned.take(_pool(pool), LaunchFails | LaunchSlow | LaunchLost | BootFails):
            case LaunchFails():
                return CreationFate(failure=allocation_failed(pool.properties["vmSize"]))
            case LaunchSlow(seconds=seconds):
                return CreationFate(delay=seconds)
            case LaunchLost():
                return CreationFate(delay=math.inf)
            case BootFails(joins_after=seconds):
                failure = boot_failed(DRIVER_FAILED)
                return CreationFate(failure=failure, joins_after_failure=seconds)
        return CreationFate()

    def of_machine(self, pool: Pool) -> MachineFate:
        match self._planned.take(_pool(pool), GpusLate | GpusMissing | NodeNeverJoins):
            case GpusLate(seconds=seconds):
                return MachineFate(gpu_delay=seconds)
            case GpusMissing():
                return MachineFate(missing_gpus=1)
            case NodeNeverJoins():
                return MachineFate(registration_delay=math.inf)
        return MachineFate()

    def of_deletion(self, pool: Pool) -> DeletionFate:
        match self._planned.take(_pool(pool), DeletionFails | DeletionSlow):
            case DeletionFails():
                return DeletionFate(failure=drain_failed(("stubborn-0",)))
            case DeletionSlow(seconds=seconds):
                return DeletionFate(delay=seconds)
        return DeletionFate()


def _denied(denial: AzureDenies, pool: str) -> Refusal:
    match denial.why:
        case "policy":
            return policy_denies(pool, "no GPUs on weekends")
        case "role":
            return not_authorized("Microsoft.ContainerService/agentPools/write", pool)
        case "token":
            return not_authenticated()


def _pool(pool: Pool) -> Object:
    return _meant(pool.name, pool.properties.get("nodeLabels") or {})


def _meant(name: str, labels: Mapping[str, str]) -> Object:
    """As faults choose by: the labels say whose workspace it is for."""
    return {"kind": "AgentPool", "metadata": {"name": name, "labels": labels}}
