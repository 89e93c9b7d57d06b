"""How long the simulated Azure takes to do things, in seconds.

The defaults suit a person who watches ``moorage up``. What AKS takes is noted beside each, and
gathered in ``AKS_TIMINGS`` for virtual time.
"""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureTimings:
    # From the request to make a pool (AKS: 3 to 10 minutes; a recorded one took 3 min 52 s).
    node_registration: float = 2.0  # until its machine's kubelet registers the Node (2 to 4 min)
    pool_creation: float = 3.0  # until the operation ends
    allocation_failure: float = 1.5  # until a lack of capacity shows (1 to 10 min)
    boot_failure: float = 4.0  # until a machine's set-up has failed (10 to 25 min)

    # From the Node's registration.
    identification: float = 0.3  # until the cloud controller gives it its provider id (seconds)
    gpu_registration: float = 1.0  # until the device plugin has told of the GPUs (5 to 120 s)

    # Later life.
    pool_change: float = 1.0  # labels, taints, an abort, a stop or start (about a minute)
    drain_limit: float = 30.0  # how long pods may resist a deletion (10 min)
    machine_removal: float = 1.0  # of a virtual machine (2 to 5 min)
    eviction_notice: float = 2.0  # before a spot machine goes (30 s)
    lost_node: float = 8.0  # from a machine's end until its Node is noticed and goes (2.5 min)
    repair: float = 5.0  # a reboot by auto-repair (minutes)

    # What Azure remembers of an operation that has ended.
    operation_memory: float = 600.0  # (hours)

    def scaled(self, factor: float) -> Self:
        """What machines and pools take, times ``factor``; no limits."""
        return replace(
            self,
            node_registration=self.node_registration * factor,
            pool_creation=self.pool_creation * factor,
            allocation_failure=self.allocation_failure * factor,
            boot_failure=self.boot_failure * factor,
            identification=self.identification * factor,
            gpu_registration=self.gpu_registration * factor,
            pool_change=self.pool_change * factor,
            machine_removal=self.machine_removal * factor,
            repair=self.repair * factor,
        )


AKS_TIMINGS = AzureTimings(
    node_registration=200.0,
    pool_creation=235.0,
    allocation_failure=180.0,
    boot_failure=1200.0,
    identification=5.0,
    gpu_registration=40.0,
    pool_change=60.0,
    drain_limit=600.0,
    machine_removal=150.0,
    eviction_notice=30.0,
    lost_node=150.0,
    repair=300.0,
    operation_memory=6 * 3600.0,
)
"""About what AKS takes for a GPU pool of one machine."""
