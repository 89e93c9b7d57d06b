"""Plays what was begun: machines come and go, and operations end, each when it is due."""

from dataclasses import replace
from datetime import timedelta

from simulator.azure.allocation import Allocation
from simulator.azure.failures import Failure, drain_failed, start_stop_race
from simulator.azure.machines import Machines
from simulator.azure.pool_operations import CLUSTER, PoolOperations
from simulator.azure.records import Machine, Operation, Pool, Power, Stage, State, Status
from simulator.azure.state import AzureState
from simulator.clock import Clock

_LEAVING = (Stage.DRAINING, Stage.REMOVING)


class Conductor:
    """Advances one pool, or the cluster as a whole, at a time."""

    def __init__(
        self,
        state: AzureState,
        clock: Clock,
        machines: Machines,
        allocation: Allocation,
        operations: PoolOperations,
    ) -> None:
        self._state = state
        self._clock = clock
        self._machines = machines
        self._allocation = allocation
        self._operations = operations

    def names(self) -> list[str]:
        """Whatever may have something due: pools, machines without one, the cluster."""
        pools = {pool.name for pool in self._state.pools.all()}
        return sorted(pools | {machine.pool for machine in self._state.machines.all()} | {CLUSTER})

    def advance(self, name: str) -> float | None:
        """Does what is due; answers in how many seconds more may be, None where nothing will."""
        with self._state.saving():
            if name == CLUSTER:
                self._advance_cluster()
            else:
                self._advance_pool(name)
            return self._seconds_until_next(name)

    def _seconds_until_next(self, name: str) -> float | None:
        now = self._clock.now()
        due = [
            instant
            for machine in self._state.machines_of(name)
            for instant in self._machines.due(machine)
        ]
        operation = self._operation(name)
        if operation is not None:
            due.append(operation.ends_at)
        left = [instant - now for instant in due if now < instant]
        soonest = min(left, default=timedelta.max)
        return None if soonest > _AGES else soonest.total_seconds()

    def _operation(self, name: str) -> Operation | None:
        if name == CLUSTER:
            return self._state.running_operation(self._state.cluster.operation)
        pool = self._state.pools.get(name)
        return None if pool is None else self._state.running_operation(pool.operation)

    # One pool.

    def _advance_pool(self, name: str) -> None:
        operation = self._operation(name)
        honours_budgets = operation is None or operation.honours_budgets
        for machine in self._state.machines_of(name):
            pool = self._state.pools.get(name)
            self._machines.advance(machine, pool, honours_budgets=honours_budgets)
            if machine.stage is Stage.EVICTING:
                self._count_evicted(machine)
        pool = self._state.pools.get(name)
        if pool is not None and operation is not None:
            self._advance_operation(pool, operation)

    def _count_evicted(self, machine: Machine) -> None:
        """A pool that loses a spot machine is smaller from then on: nothing restores it."""
        now = self._state.machines.get(machine.key)
        pool = self._state.pools.get(machine.pool)
        if pool is not None and now is not None and now.stage is Stage.GONE:
            properties = {**pool.properties, "count": max(0, pool.count - 1)}
            changed = replace(pool, properties=properties)
            self._operations.settle(changed, pool.state, pool.failure)

    def _advance_operation(self, pool: Pool, operation: Operation) -> None:
        machines = self._state.machines_of(pool.name)
        resisting = [pod for machine in machines for pod in self._machines.resisting(machine)]
        if resisting:
            self._give_up_draining(machines)
            self._fail(pool, operation, drain_failed(tuple(resisting)))
            return
        if operation.doing is State.UPGRADING:
            self._replace_old_machines(pool, machines)
            machines = self._state.machines_of(pool.name)
        if self._clock.now() < operation.ends_at:
            return
        if operation.doomed is not None:
            self._fail(pool, operation, operation.doomed)
        elif not self._waits(operation, pool, machines):
            self._succeed(pool, operation, machines)

    def _give_up_draining(self, machines: list[Machine]) -> None:
        for machine in machines:
            if machine.stage is Stage.DRAINING:
                self._machines.keep(machine)

    def _replace_old_machines(self, pool: Pool, machines: list[Machine]) -> None:
        """Those of the former image go once as many of the new one run."""
        new = [one for one in machines if one.image == pool.image]
        if all(one.stage is Stage.RUNNING for one in new):
            for machine in machines:
                if machine.image != pool.image and machine.stage is Stage.RUNNING:
                    self._allocation.retire(machine)

    def _waits(self, operation: Operation, pool: Pool, machines: list[Machine]) -> bool:
        """Whether machines have to come or go first."""
        match operation.doing:
            case State.DELETING:
                return any(machine.exists for machine in machines)
            case State.UPGRADING:
                return any(one.image != pool.image and one.exists for one in machines)
        return any(machine.stage in _LEAVING for machine in machines)

    def _fail(self, pool: Pool, operation: Operation, failure: Failure) -> None:
        """A pool that has failed keeps its name, and what machines it has."""
        self._operations.end(operation, Status.FAILED, failure)
        self._operations.settle(pool, State.FAILED, failure)

    def _succeed(self, pool: Pool, operation: Operation, machines: list[Machine]) -> None:
        self._operations.end(operation, Status.SUCCEEDED)
        match operation.doing:
            case State.DELETING:
                self._state.pools.remove(pool.name)
            case State.CANCELING:
                self._operations.settle(pool, State.CANCELED)
            case State.STOPPING:
                self._stop_machines(machines)
                self._operations.settle(replace(pool, power=Power.STOPPED), State.SUCCEEDED)
            case _:
                self._operations.settle(replace(pool, power=Power.RUNNING), State.SUCCEEDED)

    def _stop_machines(self, machines: list[Machine]) -> None:
        """Those that are going go on."""
        for machine in machines:
            if machine.stage in (Stage.BOOTING, Stage.RUNNING):
                self._machines.stop(machine)

    # The cluster.

    def _advance_cluster(self) -> None:
        operation = self._operation(CLUSTER)
        if operation is None or self._clock.now() < operation.ends_at:
            return
        self._operations.end(operation, Status.SUCCEEDED)
        cluster = replace(self._state.cluster, state=State.SUCCEEDED)
        match operation.doing:
            case State.STOPPING:
                self._stop_machines(self._state.machines.all())
                self._fail_what_runs()
                cluster = replace(cluster, power=Power.STOPPED)
                self._switch_pools(Power.STOPPED)
            case State.STARTING:
                cluster = replace(cluster, power=Power.RUNNING)
                self._switch_pools(Power.RUNNING)
        self._state.put_cluster(cluster)

    def _fail_what_runs(self) -> None:
        """A cluster that stops takes what is being done to its pools with it, but deletions."""
        for pool in self._state.pools.all():
            operation = self._operation(pool.name)
            if operation is not None and operation.doing is not State.DELETING:
                self._fail(pool, operation, start_stop_race())

    def _switch_pools(self, power: Power) -> None:
        for pool in self._state.pools.all():
            self._operations.settle(replace(pool, power=power), pool.state, pool.failure)


_AGES = timedelta(days=3650)
