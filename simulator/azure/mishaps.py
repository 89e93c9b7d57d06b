"""What may befall pools and machines that are there: by Azure's hand, or by someone's.

Each is a switch for fault plans and tests; a pool without a machine to strike is left alone.
"""

from collections.abc import Callable
from dataclasses import replace

from simulator.azure.agent_pools import AgentPools
from simulator.azure.allocation import Allocation
from simulator.azure.machines import Machines
from simulator.azure.pool_operations import PoolOperations
from simulator.azure.records import NEVER, Machine, Pool, Stage, State, after
from simulator.azure.state import AzureState
from simulator.azure.timings import AzureTimings
from simulator.clock import Clock
from simulator.controllers.conditions import condition


class Mishaps:
    def __init__(
        self,
        *,
        state: AzureState,
        clock: Clock,
        operations: PoolOperations,
        allocation: Allocation,
        machines: Machines,
        pools: AgentPools,
        timings: AzureTimings,
        on_change: Callable[[str], None],
    ) -> None:
        """``on_change`` is told the name of each pool that was struck."""
        self._state = state
        self._clock = clock
        self._operations = operations
        self._allocation = allocation
        self._machines = machines
        self._pools = pools
        self._timings = timings
        self._on_change = on_change

    def pools(self) -> list[Pool]:
        """All there are, by name."""
        return self._state.pools.all()

    # Machines.

    def evict_spot(self, pool: str) -> bool:
        """On notice, and for good: the pool is smaller afterwards. Answers whether it struck."""
        return self._strike(pool, self._give_notice)

    def _give_notice(self, machine: Machine) -> None:
        until = after(self._clock.now(), self._timings.eviction_notice)
        self._state.put_machine(replace(machine, stage=Stage.EVICTING, until=until))

    def lose_machine(self, pool: str) -> bool:
        """Without notice; the pool still counts it, and its Node seems well for a while."""
        return self._strike(pool, self._machines.take_away)

    def silence(self, pool: str) -> bool:
        """The kubelet stops; its Node is NotReady once that is noticed."""
        return self._strike(pool, self._machines.power_off)

    def revive(self, pool: str) -> bool:
        return self._strike(pool, self._machines.power_on)

    def repair(self, pool: str) -> bool:
        """A reboot by auto-repair: the same Node is back later, its GPUs later still."""
        return self._strike(pool, self._reboot)

    def _reboot(self, machine: Machine) -> None:
        self._machines.power_off(machine)
        self._machines.remove_node(machine.node)
        back = after(self._clock.now(), self._timings.repair)
        gpus_at = after(back, self._timings.gpu_registration)
        booting = replace(machine, stage=Stage.BOOTING, joins_at=back, gpus_at=gpus_at)
        self._state.put_machine(booting)

    def set_healthy_gpus(self, pool: str, count: int) -> bool:
        """As when a device plugin restarts (0), or a GPU falls off its bus."""
        return self._strike(pool, lambda one: self._machines.set_healthy_gpus(one, count))

    def report(self, pool: str, problem: str, *, status: str = "True") -> bool:
        """A condition of the node problem detector, such as ``XIDErrors``; False ends it."""
        found = condition(problem, status, problem, "told by the node problem detector")
        return self._strike(pool, lambda one: self._machines.report(one, found))

    def _strike(self, pool: str, effect: Callable[[Machine], None]) -> bool:
        """The first running machine of the pool."""
        running = [one for one in self._state.machines_of(pool) if one.stage is Stage.RUNNING]
        for machine in running[:1]:
            with self._state.saving():
                effect(machine)
            self._on_change(pool)
        return bool(running)

    # Pools, out of band.

    def delete_pool(self, pool: str) -> bool:
        return self._begin(pool, lambda one: self._operations.delete(one, honours_budgets=True))

    def stop_pool(self, pool: str) -> bool:
        return self._begin(pool, self._operations.stop)

    def start_pool(self, pool: str) -> bool:
        return self._begin(pool, self._operations.start)

    def set_count(self, pool: str, count: int) -> bool:
        return self._begin(
            pool, lambda one: self._operations.change(one, {**one.properties, "count": count})
        )

    def freeze_lists(self, seconds: float) -> None:
        """For so long, LIST shows the pools as they are now."""
        self._pools.freeze_lists(seconds)

    def upgrade_image(self, pool: str, image: str) -> bool:
        """For a while the pool has two Nodes for each; then the old ones are gone."""
        return self._begin(pool, lambda one: self._operations.upgrade_image(one, image))

    def _begin(self, pool: str, effect: Callable[[Pool], Pool]) -> bool:
        """Does nothing while something else is done to the pool."""
        found = self._state.pools.get(pool)
        if found is None or self._state.running_operation(found.operation) is not None:
            return False
        with self._state.saving():
            effect(found)
        return True

    # The cluster.

    def stop_cluster(self) -> None:
        self._occupy(State.STOPPING, self._timings.pool_change)

    def start_cluster(self) -> None:
        self._occupy(State.STARTING, self._timings.pool_creation)
        with self._state.saving():
            for pool in self._state.pools.all():
                self._allocation.boot_again(pool.name)
        for pool in self._state.pools.all():
            self._on_change(pool.name)

    def occupy_cluster(self, seconds: float) -> None:
        """An add-on is reconciled; pool operations are refused meanwhile."""
        self._occupy(State.UPDATING, seconds)

    def _occupy(self, doing: State, seconds: float) -> None:
        with self._state.saving():
            self._operations.occupy_cluster(doing, seconds)

    # Healing.

    def heal(self) -> None:
        """What would never have ended, ends; what would never have come, comes."""
        now = self._clock.now()
        with self._state.saving():
            for pool in self._state.pools.all():
                self._unstick(pool)
            for machine in self._state.machines.all():
                if machine.stage is Stage.RUNNING and machine.gpus_at == NEVER:
                    self._state.put_machine(replace(machine, gpus_at=now))
        for pool in self._state.pools.all():
            self._on_change(pool.name)

    def _unstick(self, pool: Pool) -> None:
        operation = self._state.running_operation(pool.operation)
        if operation is None or operation.ends_at != NEVER:
            return
        self._state.put_operation(replace(operation, ends_at=self._clock.now()))
        if operation.doing is State.DELETING:
            self._allocation.retire_all(pool.name)
        else:
            self._allocation.unstick(pool.name)
