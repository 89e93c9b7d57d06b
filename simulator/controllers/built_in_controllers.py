"""The controllers that every simulated cluster runs."""

from simulator.clock import Clock
from simulator.controllers.controller import Controller
from simulator.controllers.endpoint_slice import EndpointsController, EndpointSliceController
from simulator.controllers.node_claim_nodes import MachineSize
from simulator.controllers.node_claim_termination import NodeClaimTermination
from simulator.controllers.node_claims import NodeClaimController
from simulator.controllers.persistent_volume_claims import PersistentVolumeClaimController
from simulator.controllers.scheduler import Scheduler
from simulator.controllers.stateful_set import StatefulSetController
from simulator.kubernetes.objects import Objects
from simulator.timings import Timings


def built_in_controllers(
    objects: Objects, clock: Clock, timings: Timings, machine: MachineSize
) -> list[Controller]:
    """``machine`` is what local nodes may offer."""
    return [
        StatefulSetController(objects, clock),
        PersistentVolumeClaimController(objects),
        NodeClaimController(objects, clock, timings, machine),
        NodeClaimTermination(objects, clock, timings),
        Scheduler(objects, clock),
        EndpointSliceController(objects),
        EndpointsController(objects),
    ]
