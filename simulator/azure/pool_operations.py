"""What may be begun with agent pools and with their cluster: each an operation that takes time.

All that chance has a say in is decided here, as an operation begins, and written down.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from simulator.azure.allocation import Allocation
from simulator.azure.failures import (
    Failure,
    Object,
    Refused,
    aborted,
    cluster_is_busy,
    nothing_to_abort,
    pool_is_busy,
    preempted_by_delete,
)
from simulator.azure.fate import Fate
from simulator.azure.managed_cluster import ManagedCluster
from simulator.azure.records import (
    NEVER,
    Operation,
    Pool,
    Power,
    State,
    Status,
    after,
)
from simulator.azure.state import AzureState
from simulator.azure.timings import AzureTimings
from simulator.clock import Clock

CLUSTER = ""
"""In place of a pool's name: the cluster as a whole."""


class PoolOperations:
    def __init__(
        self,
        *,
        state: AzureState,
        clock: Clock,
        new_uid: Callable[[], str],
        cluster: ManagedCluster,
        allocation: Allocation,
        timings: AzureTimings,
        fate: Fate,
        on_begun: Callable[[str], None],
    ) -> None:
        """``on_begun`` is told the name of each pool for which an operation begins."""
        self._state = state
        self._clock = clock
        self._new_uid = new_uid
        self._cluster = cluster
        self._allocation = allocation
        self._timings = timings
        self._fate = fate
        self._on_begun = on_begun

    # What must be idle.

    def check_cluster_idle(self) -> None:
        """Raises Refused 409 while something is done to the whole cluster, or it is stopped."""
        cluster = self._state.cluster
        if self._state.running_operation(cluster.operation) is not None:
            raise Refused(cluster_is_busy(self._cluster.name, cluster.state.value))
        if cluster.power is Power.STOPPED:
            raise Refused(cluster_is_busy(self._cluster.name, cluster.power.value))

    def check_idle(self, pool: Pool) -> None:
        """Raises Refused 409 while something is done to the pool."""
        if self._state.running_operation(pool.operation) is not None:
            raise Refused(pool_is_busy(pool.name, pool.state.value))

    # Beginnings.

    def create(self, name: str, properties: Object) -> Pool:
        """There is no pool of that name."""
        pool = Pool(
            name=name,
            etag=self._new_uid(),
            state=State.CREATING,
            operation="",
            properties=properties,
        )
        return self._with_machines(pool, State.CREATING)

    def change(self, pool: Pool, properties: Object) -> Pool:
        """Also makes the machines that an earlier creation failed to make."""
        self._allocation.forget_failed(pool.name)
        doing = State.SCALING if properties["count"] != pool.count else State.UPDATING
        changed = replace(pool, properties=properties, failure=None)
        for surplus in self._allocation.present(pool.name)[changed.count :]:
            self._allocation.retire(surplus)
        return self._with_machines(changed, doing)

    def _with_machines(self, pool: Pool, doing: State) -> Pool:
        """Begins an operation that gives the pool the machines it wants."""
        missing = pool.count - len(self._allocation.present(pool.name))
        if missing <= 0:
            return self.begin(pool, doing, self._in(self._timings.pool_change))
        promise = self._allocation.make(pool, missing)
        return self.begin(pool, doing, promise.ends_at, doomed=promise.failure)

    def delete(self, pool: Pool, *, honours_budgets: bool) -> Pool:
        """Whatever is being done to the pool is preempted."""
        running = self._state.running_operation(pool.operation)
        if running is not None:
            self.end(running, Status.CANCELED, preempted_by_delete())
        fate = self._fate.of_deletion(pool)
        ends_at = after(self._clock.now(), fate.delay)
        if fate.failure is None and ends_at != NEVER:
            self._allocation.retire_all(pool.name)
        return self.begin(
            pool, State.DELETING, ends_at, doomed=fate.failure, honours_budgets=honours_budgets
        )

    def abort(self, pool: Pool) -> Pool:
        """Nothing is rolled back. Raises Refused 409 where nothing is being done."""
        running = self._state.running_operation(pool.operation)
        if running is None:
            raise Refused(nothing_to_abort(pool.name))
        self.end(running, Status.CANCELED, aborted())
        return self.begin(pool, State.CANCELING, self._in(self._timings.pool_change))

    def stop(self, pool: Pool) -> Pool:
        return self.begin(pool, State.STOPPING, self._in(self._timings.pool_change))

    def start(self, pool: Pool) -> Pool:
        self._allocation.boot_again(pool.name)
        return self.begin(pool, State.STARTING, self._in(self._timings.pool_creation))

    def upgrade_image(self, pool: Pool, image: str) -> Pool:
        """Machines of the new image join first; the others are drained once they are there."""
        changed = replace(pool, properties={**pool.properties, "nodeImageVersion": image})
        self._allocation.replace_all(changed)
        return self.begin(changed, State.UPGRADING, self._in(self._timings.pool_creation))

    def occupy_cluster(self, doing: State, seconds: float) -> None:
        """Something is done to the whole cluster for so long; pool operations are refused."""
        operation = self._operation(CLUSTER, doing, self._in(seconds))
        cluster = replace(self._state.cluster, state=doing, operation=operation.id)
        self._state.put_cluster(replace(cluster, etag=self._new_uid()))

    # Operations.

    def begin(
        self,
        pool: Pool,
        doing: State,
        ends_at: datetime,
        *,
        doomed: Failure | None = None,
        honours_budgets: bool = True,
    ) -> Pool:
        operation = self._operation(
            pool.name, doing, ends_at, doomed=doomed, honours_budgets=honours_budgets
        )
        begun = replace(pool, state=doing, operation=operation.id, etag=self._new_uid())
        self._state.put_pool(begun)
        return begun

    def _operation(
        self,
        pool: str,
        doing: State,
        ends_at: datetime,
        *,
        doomed: Failure | None = None,
        honours_budgets: bool = True,
    ) -> Operation:
        self._forget_old_operations()
        operation = Operation(
            id=self._new_uid(),
            pool=pool,
            doing=doing,
            started_at=self._clock.now(),
            ends_at=ends_at,
            doomed=doomed,
            honours_budgets=honours_budgets,
        )
        self._state.put_operation(operation)
        self._on_begun(pool)
        return operation

    def end(self, operation: Operation, status: Status, failure: Failure | None = None) -> None:
        now = self._clock.now()
        self._state.put_operation(replace(operation, status=status, failure=failure, ended_at=now))

    def settle(self, pool: Pool, state: State, failure: Failure | None = None) -> Pool:
        """The pool after its latest operation."""
        settled = replace(pool, state=state, failure=failure, etag=self._new_uid())
        self._state.put_pool(settled)
        return settled

    def remembers(self, operation: Operation) -> bool:
        """Operations that ended long ago are not known any more."""
        if operation.ended_at is None:
            return True
        return after(operation.ended_at, self._timings.operation_memory) > self._clock.now()

    def _forget_old_operations(self) -> None:
        for operation in self._state.operations.all():
            if not self.remembers(operation):
                self._state.operations.remove(operation.id)

    def _in(self, seconds: float) -> datetime:
        return after(self._clock.now(), seconds)
