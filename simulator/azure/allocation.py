"""The machines that pools are given, and those that are to go."""

from dataclasses import dataclass, replace
from datetime import datetime

from simulator.azure.failures import Failure
from simulator.azure.fate import CreationFate, Fate
from simulator.azure.managed_cluster import ManagedCluster
from simulator.azure.offers import Market, place
from simulator.azure.records import NEVER, Machine, Pool, Stage, after
from simulator.azure.state import AzureState
from simulator.azure.timings import AzureTimings
from simulator.clock import Clock

_CAPACITY = frozenset(
    {
        "AllocationFailed",
        "ZonalAllocationFailed",
        "OverconstrainedAllocationRequest",
        "OverconstrainedZonalAllocationRequest",
    }
)
"""Codes of failures for which no machine was ever made."""
_LEAVING = (Stage.DRAINING, Stage.EVICTING, Stage.REMOVING, Stage.GONE)


@dataclass(frozen=True, slots=True)
class Promise:
    """When an operation that makes machines will end, and what it will fail with, if it will."""

    ends_at: datetime
    failure: Failure | None = None


class Allocation:
    def __init__(
        self,
        *,
        state: AzureState,
        clock: Clock,
        cluster: ManagedCluster,
        market: Market,
        timings: AzureTimings,
        fate: Fate,
    ) -> None:
        self._state = state
        self._clock = clock
        self._cluster = cluster
        self._market = market
        self._timings = timings
        self._fate = fate

    def present(self, pool: str) -> list[Machine]:
        """Machines that count towards the pool's."""
        return [one for one in self._state.machines_of(pool) if one.stage not in _LEAVING]

    # Coming.

    def make(self, pool: Pool, count: int) -> Promise:
        """So many more machines begin to be; all that fate has to say is asked now."""
        fate = self._fate.of_creation(pool)
        zones, shortage = self._places(pool, count)
        failure = fate.failure or shortage
        ends_at = after(self._clock.now(), self._seconds(failure) + fate.delay)
        for zone in zones:
            if failure is None:
                self._add(pool, zone, delay=fate.delay)
            else:
                self._add_doomed(pool, zone, failure, fate, ends_at)
        return Promise(ends_at, failure)

    def replace_all(self, pool: Pool) -> None:
        """As many machines again, of the pool's present image."""
        for machine in self.present(pool.name):
            self._add(pool, machine.zone)

    def boot_again(self, pool: str) -> None:
        """The stopped machines of ``pool`` start, under the names they had."""
        joins_at = after(self._clock.now(), self._timings.node_registration)
        gpus_at = after(joins_at, self._timings.gpu_registration)
        for machine in self._state.machines_of(pool):
            if machine.stage is Stage.STOPPED:
                booting = replace(machine, stage=Stage.BOOTING, joins_at=joins_at, gpus_at=gpus_at)
                self._state.put_machine(booting)

    def _places(self, pool: Pool, count: int) -> tuple[list[str], Failure | None]:
        """The zones of so many more machines, and why there are fewer."""
        pools = {one.name: one for one in (*self._state.pools.all(), pool)}
        taken = [
            machine.zone
            for machine in self._state.machines.all()
            if machine.exists and pools[machine.pool].size == pool.size
        ]
        zones: list[str] = []
        for _ in range(count):
            found = place(self._market.offers, pool.size, pool.zones, [*taken, *zones])
            if isinstance(found, Failure):
                return zones, found
            zones.append(found)
        return zones, None

    def _seconds(self, failure: Failure | None) -> float:
        if failure is None:
            return self._timings.pool_creation
        if failure.code in _CAPACITY:
            return self._timings.allocation_failure
        return self._timings.boot_failure

    def _add_doomed(
        self, pool: Pool, zone: str, failure: Failure, fate: CreationFate, fails_at: datetime
    ) -> None:
        """A machine that does not join in time: never, or only after all was given up."""
        joins_at = after(fails_at, fate.joins_after_failure)
        if joins_at != NEVER or failure.code not in _CAPACITY:
            self._add(pool, zone, joins_at=joins_at)

    def _add(
        self, pool: Pool, zone: str, *, delay: float = 0.0, joins_at: datetime | None = None
    ) -> None:
        fate = self._fate.of_machine(pool)
        index = self._free_index(pool.name)
        if joins_at is None:
            seconds = self._timings.node_registration + delay + fate.registration_delay
            joins_at = after(self._clock.now(), seconds)
        machine = Machine(
            pool=pool.name,
            index=index,
            node=self._cluster.node_name(pool.name, index, local=pool.size.local),
            zone=zone,
            image=pool.image,
            joins_at=joins_at,
            gpus=max(0, pool.size.gpus - fate.missing_gpus),
            gpus_at=after(joins_at, self._timings.gpu_registration + fate.gpu_delay),
        )
        self._state.put_machine(machine)

    def _free_index(self, pool: str) -> int:
        """One above the highest in use: a scale set does not use a number again soon."""
        taken = [machine.index for machine in self._state.machines_of(pool)]
        return max(taken, default=-1) + 1

    # Going.

    def retire(self, machine: Machine) -> None:
        """It is to go: drained first, where it has a Node."""
        now, timings = self._clock.now(), self._timings
        match machine.stage:
            case Stage.BOOTING | Stage.STOPPED:
                until = after(now, timings.machine_removal)
                self._state.put_machine(replace(machine, stage=Stage.REMOVING, until=until))
            case Stage.RUNNING:
                until = after(now, timings.drain_limit)
                self._state.put_machine(replace(machine, stage=Stage.DRAINING, until=until))

    def retire_all(self, pool: str) -> None:
        for machine in self._state.machines_of(pool):
            self.retire(machine)

    def forget_failed(self, pool: str) -> None:
        """Machines that would never join make room for others."""
        for machine in self._state.machines_of(pool):
            if machine.stage is Stage.BOOTING and machine.joins_at == NEVER:
                self._state.machines.remove(machine.key)

    def unstick(self, pool: str) -> None:
        """Machines that would never have come join now."""
        now = self._clock.now()
        for machine in self._state.machines_of(pool):
            if machine.stage is Stage.BOOTING and machine.joins_at == NEVER:
                gpus_at = after(now, self._timings.gpu_registration)
                self._state.put_machine(replace(machine, joins_at=now, gpus_at=gpus_at))
