"""The records of the simulated Azure, in memory and in its ledger."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

from simulator.azure.database import Ledger
from simulator.azure.records import Cluster, Machine, Operation, Pool, Stage, Status

Record = TypeVar("Record")
THE_CLUSTER = "cluster"
_ADAPTERS: dict[type, TypeAdapter[Any]] = {
    kind: TypeAdapter(kind) for kind in (Cluster, Machine, Operation, Pool)
}


class Records(Generic[Record]):
    """All records of one kind, by key."""

    def __init__(self, kind: type[Record], ledger: Ledger) -> None:
        self._kind = kind.__name__
        self._adapter: TypeAdapter[Record] = _ADAPTERS[kind]
        self._ledger = ledger
        self._records = {
            key: self._adapter.validate_json(body) for key, body in ledger.records(self._kind)
        }

    def get(self, key: str) -> Record | None:
        return self._records.get(key)

    def all(self) -> list[Record]:
        """In order of their keys."""
        return [self._records[key] for key in sorted(self._records)]

    def put(self, key: str, record: Record) -> None:
        self._records[key] = record
        self._ledger.save(self._kind, key, self._adapter.dump_json(record))

    def remove(self, key: str) -> None:
        if self._records.pop(key, None) is not None:
            self._ledger.remove(self._kind, key)


class AzureState:
    def __init__(self, ledger: Ledger, first_etag: str) -> None:
        self._ledger = ledger
        self.pools = Records(Pool, ledger)
        self.machines = Records(Machine, ledger)
        self.operations = Records(Operation, ledger)
        self._clusters = Records(Cluster, ledger)
        if self._clusters.get(THE_CLUSTER) is None:
            with self.saving():
                self.put_cluster(Cluster(etag=first_etag))

    @contextmanager
    def saving(self) -> Iterator[None]:
        """All changes within are kept together."""
        with self._ledger.transaction():
            yield

    def close(self) -> None:
        self._ledger.close()

    @property
    def cluster(self) -> Cluster:
        cluster = self._clusters.get(THE_CLUSTER)
        if cluster is None:
            raise LookupError("the cluster is put before anything else")
        return cluster

    def put_cluster(self, cluster: Cluster) -> None:
        self._clusters.put(THE_CLUSTER, cluster)

    def put_pool(self, pool: Pool) -> None:
        self.pools.put(pool.name, pool)

    def put_operation(self, operation: Operation) -> None:
        self.operations.put(operation.id, operation)

    def put_machine(self, machine: Machine) -> None:
        self.machines.put(machine.key, machine)

    def machines_of(self, pool: str) -> list[Machine]:
        """Also those whose Nodes have outlived them."""
        return [machine for machine in self.machines.all() if machine.pool == pool]

    def pool_draining(self, node: str | None) -> str | None:
        """The pool whose machine of that node is being emptied, if any is."""
        draining = (Stage.DRAINING, Stage.EVICTING)
        for machine in self.machines.all():
            if machine.node == node and machine.stage in draining:
                return machine.pool
        return None

    def running_operation(self, identity: str) -> Operation | None:
        """None where there is none of that id, or it has ended."""
        operation = self.operations.get(identity)
        running = operation is not None and operation.status is Status.IN_PROGRESS
        return operation if running else None
