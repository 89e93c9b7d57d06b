"""The simulated Azure, composed: what answers requests, and what makes machines of them.

It is crash-only: made again on the same file, it carries on where it was.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from simulator.azure.agent_pools import AgentPools
from simulator.azure.allocation import Allocation
from simulator.azure.conductor import Conductor
from simulator.azure.database import Ledger, NoLedger
from simulator.azure.fate import Fate, GoodFortune
from simulator.azure.machines import Machines
from simulator.azure.managed_cluster import ManagedCluster
from simulator.azure.messages import Answer, Request
from simulator.azure.mishaps import Mishaps
from simulator.azure.offers import Market, Offers
from simulator.azure.pool_operations import PoolOperations
from simulator.azure.resource_manager import ResourceManager
from simulator.azure.state import AzureState
from simulator.azure.throttling import Allowances
from simulator.azure.timings import AzureTimings
from simulator.clock import Clock
from simulator.controllers.work_queue import WorkQueue
from simulator.kubelet.silence import MachinePower
from simulator.kubernetes.objects import Change, Objects
from simulator.node_resources import MachineSize

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureOptions:
    """``ledger`` keeps what there is; by default nothing outlives the simulation."""

    cluster: ManagedCluster = field(default_factory=ManagedCluster)
    timings: AzureTimings = field(default_factory=AzureTimings)
    offers: Offers = field(default_factory=Offers)
    allowances: Allowances = field(default_factory=Allowances)
    fate: Fate = field(default_factory=GoodFortune)
    page_size: int = 20
    ledger: Ledger = field(default_factory=NoLedger)


class AzureCloud:
    """``market`` is what is on offer just now; ``mishaps`` is what may be done to what there is."""

    def __init__(
        self,
        *,
        objects: Objects,
        clock: Clock,
        new_uid: Callable[[], str],
        power: MachinePower,
        computer: MachineSize,
        options: AzureOptions | None = None,
    ) -> None:
        """``objects`` is the Kubernetes cluster whose nodes the machines become.

        ``power`` switches their kubelets, and ``computer`` is what local nodes have to give.
        """
        options = options or AzureOptions()
        self._objects = objects
        state = self._state = AzureState(options.ledger, new_uid())
        self.market = Market(options.offers)
        self._queue: WorkQueue[str] = WorkQueue()
        allocation = Allocation(
            state=state,
            clock=clock,
            cluster=options.cluster,
            market=self.market,
            timings=options.timings,
            fate=options.fate,
        )
        operations = PoolOperations(
            state=state,
            clock=clock,
            new_uid=new_uid,
            cluster=options.cluster,
            allocation=allocation,
            timings=options.timings,
            fate=options.fate,
            on_begun=self._queue.add,
        )
        machines = Machines(
            state=state,
            objects=objects,
            clock=clock,
            cluster=options.cluster,
            timings=options.timings,
            power=power,
            computer=computer,
        )
        pools = AgentPools(
            state=state,
            clock=clock,
            cluster=options.cluster,
            market=self.market,
            operations=operations,
            machines=machines,
            page_size=options.page_size,
        )
        self._manager = ResourceManager(
            state=state,
            clock=clock,
            cluster=options.cluster,
            market=self.market,
            pools=pools,
            operations=operations,
            fate=options.fate,
            allowances=options.allowances,
        )
        self._conductor = Conductor(state, clock, machines, allocation, operations)
        self.mishaps = Mishaps(
            state=state,
            clock=clock,
            operations=operations,
            allocation=allocation,
            machines=machines,
            pools=pools,
            timings=options.timings,
            on_change=self._queue.add,
        )

    async def handle(self, request: Request) -> Answer:
        """Answers one HTTP request; what it began goes on in ``run``."""
        return self._manager.answer(request)

    async def run(self) -> None:
        """Has machines come and go, and operations end, until cancelled."""
        unsubscribe = self._objects.subscribe(self._on_change)
        try:
            for name in self._conductor.names():
                self._queue.add(name)
            while True:
                self._advance(await self._queue.take())
                await asyncio.sleep(0)  # lets requests and kubelets in between
        finally:
            unsubscribe()
            self._queue.close()

    def close(self) -> None:
        """Closes the file."""
        self._state.close()

    def _on_change(self, change: Change) -> None:
        """Draining goes on as soon as a pod has gone."""
        if change.object["kind"] == "Pod":
            node = change.object["spec"].get("nodeName")
            if (pool := self._state.pool_draining(node)) is not None:
                self._queue.add(pool)

    def _advance(self, name: str) -> None:
        try:
            again_in = self._conductor.advance(name)
        except Exception:  # one pool must not stop the others
            log.exception("agent pool %r", name)
            again_in = RETRY_SECONDS
        if again_in is not None:
            self._queue.add_after(name, again_in)
