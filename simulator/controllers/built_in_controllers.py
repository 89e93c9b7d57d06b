"""The controllers that every simulated cluster runs."""

from collections.abc import Sequence

from simulator.clock import Clock
from simulator.controllers.controller import Controller
from simulator.controllers.deployment import DeploymentController
from simulator.controllers.endpoint_slice import EndpointsController, EndpointSliceController
from simulator.controllers.event_expiry import EventExpiry
from simulator.controllers.job import JobController
from simulator.controllers.node_claim_termination import NodeClaimTermination
from simulator.controllers.node_claims import Claims, NodeClaimController, any_claim
from simulator.controllers.node_lifecycle import NodeLifecycleController
from simulator.controllers.node_pools import NodePoolController
from simulator.controllers.persistent_volume_claims import PersistentVolumeClaimController
from simulator.controllers.pod_garbage import PodGarbageCollector
from simulator.controllers.replica_set import ReplicaSetController
from simulator.controllers.scheduler import Scheduler
from simulator.controllers.stateful_set import StatefulSetController
from simulator.controllers.taint_eviction import TaintEvictionController
from simulator.fate import Fate
from simulator.kubernetes.objects import Objects
from simulator.node_resources import MachineSize
from simulator.timings import Timings


def built_in_controllers(
    objects: Objects,
    clock: Clock,
    timings: Timings,
    karpenter: Sequence[Controller] = (),
) -> list[Controller]:
    """``karpenter`` are a provisioner's, where one runs in the cluster itself."""
    return [
        StatefulSetController(objects, clock),
        DeploymentController(objects, clock),
        ReplicaSetController(objects, clock),
        JobController(objects, clock, timings),
        PersistentVolumeClaimController(objects),
        *karpenter,
        NodeLifecycleController(objects, clock),
        TaintEvictionController(objects, clock, timings),
        PodGarbageCollector(objects, clock),
        Scheduler(objects, clock),
        EndpointSliceController(objects),
        EndpointsController(objects),
        EventExpiry(objects, clock, timings),
    ]


def karpenter_controllers(
    objects: Objects,
    clock: Clock,
    timings: Timings,
    machine: MachineSize,
    fate: Fate,
    *,
    its_own: Claims = any_claim,
) -> list[Controller]:
    """An imitation of Karpenter.

    ``machine`` is what local nodes may offer; ``its_own`` are the claims that it fulfils.
    """
    return [
        NodePoolController(objects),
        NodeClaimController(objects, clock, timings, machine, fate, its_own=its_own),
        NodeClaimTermination(objects, clock, timings, its_own=its_own),
    ]
