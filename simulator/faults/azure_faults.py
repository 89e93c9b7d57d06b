"""Faults that change Azure itself: pools, machines, and what it refuses for a while."""

import asyncio

from simulator.azure.cloud import AzureCloud
from simulator.faults.azure_vocabulary import (
    ClusterBusy,
    ImageUpgrade,
    ListLags,
    MachineLost,
    PoolDeleted,
    PoolStopped,
)
from simulator.faults.planned_fate import Told
from simulator.history import NAMESPACE_LABEL, WORKSPACE_LABEL
from simulator.virtual_time.process import Process
from simulator.wire.sent import workspace_name

PoolFault = PoolDeleted | PoolStopped | ImageUpgrade | MachineLost
RETRY_SECONDS = 30.0
NEXT_IMAGE = "AKSUbuntu-2404gen2containerd-202612.01.0"


class AzureFaults:
    """Each fault picks the first pool it fits, by name; without one it does not strike."""

    def __init__(self, cloud: AzureCloud, process: Process, *, namespace: str, told: Told) -> None:
        self._cloud = cloud
        self._namespace = namespace
        self._told = told
        self._loop = asyncio.get_running_loop()
        self._context = process.context()
        self._stopped: dict[int, str] = {}
        """By element: pools to be started again."""

    def strike(self, element: int, fault: PoolFault | ClusterBusy | ListLags) -> None:
        match fault:
            case ClusterBusy(seconds=seconds):
                self._told(element, fault.code, "the cluster")
                self._cloud.mishaps.occupy_cluster(seconds)
            case ListLags(seconds=seconds):
                self._told(element, fault.code, "the list of agent pools")
                self._cloud.mishaps.freeze_lists(seconds)
            case _:
                pool = self.pool_of(fault.workspace)
                if pool is not None and self._strike_pool(element, fault, pool):
                    self._told(element, fault.code, f"agent pool {pool}")

    def _strike_pool(self, element: int, fault: PoolFault, pool: str) -> bool:
        mishaps = self._cloud.mishaps
        match fault:
            case PoolDeleted():
                return mishaps.delete_pool(pool)
            case ImageUpgrade():
                return mishaps.upgrade_image(pool, NEXT_IMAGE)
            case MachineLost():
                return mishaps.lose_machine(pool)
            case PoolStopped(seconds=seconds):
                struck = mishaps.stop_pool(pool)
                if struck:
                    self._stopped[element] = pool
                    self._loop.call_later(seconds, self._start, element, context=self._context)
                return struck

    def pool_of(self, workspace: int) -> str | None:
        """The first pool that was made for a workspace of the plan."""
        owner = (self._namespace, workspace_name(workspace))
        for pool in self._cloud.mishaps.pools():
            labels = pool.properties.get("nodeLabels") or {}
            if (labels.get(NAMESPACE_LABEL), labels.get(WORKSPACE_LABEL)) == owner:
                return pool.name
        return None

    def heal(self) -> None:
        """Ends at once what was to end by itself later."""
        for element in list(self._stopped):
            self._start(element)
        self._cloud.mishaps.heal()

    def _start(self, element: int) -> None:
        """A pool that is still being stopped can be started once it is."""
        pool = self._stopped.get(element)
        there = {one.name for one in self._cloud.mishaps.pools()}
        if pool not in there or self._cloud.mishaps.start_pool(pool):
            self._stopped.pop(element, None)
        else:
            self._loop.call_later(RETRY_SECONDS, self._start, element, context=self._context)
