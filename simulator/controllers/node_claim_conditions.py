"""Where a node claim stands, in Karpenter's conditions: Launched, Registered, Initialized, Ready.

Pure. The instants at which conditions turned True are the only clock kept, so a claim carries on
after a restart where it stood. Reasons and messages are Karpenter v1's where it has one.
"""

from dataclasses import dataclass
from datetime import datetime

from engine.instance_types import InstanceType
from engine.nodes.reason import NodeReason
from simulator.controllers.conditions import condition, find_condition, is_true, seconds_left
from simulator.controllers.node_claim_nodes import requested_instance_type
from simulator.fate import LaunchFate
from simulator.kubernetes.status import Object
from simulator.node_resources import GPU
from simulator.timings import Timings


@dataclass(frozen=True, slots=True)
class Stage:
    """A condition, and in how many seconds it may change by the mere passing of time."""

    condition: Object
    again_in: float | None = None


def launched(
    claim: Object,
    instance_type: InstanceType | None,
    timings: Timings,
    now: datetime,
    fate: LaunchFate,
) -> Stage:
    if is_true(claim, "Launched"):
        return _reached("Launched")
    if instance_type is None:
        asked = requested_instance_type(claim)
        message = (
            f"instance type {asked!r} is not known: choose one that `moorage instance-types` lists"
            if asked
            else "the claim asks for no instance type: "
            "add a requirement for node.kubernetes.io/instance-type"
        )
        return Stage(condition("Launched", "False", "InvalidInstanceType", message))
    seconds = timings.instance_launch + fate.delay
    left = seconds_left(claim["metadata"]["creationTimestamp"], seconds, now)
    message = f"creating a {instance_type.name} instance"
    if fate.lost:
        return Stage(condition("Launched", "Unknown", "Launching", message))
    if left > 0:
        return Stage(condition("Launched", "Unknown", "Launching", message), left)
    if fate.refused:
        return Stage(condition("Launched", "False", fate.refused, f"{message}: refused"))
    return _reached("Launched")


def node_is_due(claim: Object, timings: Timings, now: datetime) -> float | None:
    """Seconds until the instance registers its node; None before launch and after registration."""
    launch = find_condition(claim, "Launched")
    if launch is None or launch["status"] != "True" or claim["status"].get("nodeName"):
        return None
    return max(0.0, seconds_left(launch["lastTransitionTime"], timings.node_registration, now))


def registered(claim: Object, node: Object | None, due: float | None) -> Stage:
    if node is not None:
        return _reached("Registered")
    lost = claim.get("status", {}).get("nodeName")
    if lost:
        message = f"Node {lost} was deleted: delete this claim and ask for another"
        return Stage(condition("Registered", "False", NodeReason.INSTANCE_LOST, message))
    if due is None:
        return _awaiting("Registered")
    message = "Node not registered with cluster"
    return Stage(condition("Registered", "Unknown", "NodeNotFound", message), due)


def initialized(claim: Object, node: Object | None, instance_type: InstanceType | None) -> Stage:
    """A node that was once initialized stays so, as in Karpenter; its Ready tells the rest."""
    if node is None or instance_type is None:
        return _awaiting("Initialized")
    if is_true(claim, "Initialized"):
        return _reached("Initialized")
    startup = {(taint["key"], taint["effect"]) for taint in claim["spec"].get("startupTaints", ())}
    for taint in node.get("spec", {}).get("taints", ()):
        if (taint["key"], taint["effect"]) in startup:
            message = f"StartupTaint {taint['key']!r} still exists"
            return _not_initialized("StartupTaintsExist", message)
    if instance_type.gpus and GPU not in node.get("status", {}).get("allocatable", {}):
        message = f'Resource "{GPU}" was requested but not registered'
        return _not_initialized("ResourceNotRegistered", message)
    if not is_true(node, "Ready"):
        return _not_initialized("NodeNotReady", "Node status is NotReady")
    return _reached("Initialized")


def ready(stages: list[Object]) -> Object:
    """Ready sums the others up."""
    unmet = [item for item in stages if item["status"] != "True"]
    if not unmet:
        return condition("Ready", "True", "Ready")
    failed = any(item["status"] == "False" for item in unmet)
    message = ", ".join(f"{item['type']}={item['status']}" for item in unmet)
    if failed:
        return condition("Ready", "False", "UnhealthyDependents", message)
    return condition("Ready", "Unknown", "ReconcilingDependents", message)


def _reached(type_: str) -> Stage:
    return Stage(condition(type_, "True", type_))


def _awaiting(type_: str) -> Stage:
    message = "object is awaiting reconciliation"
    return Stage(condition(type_, "Unknown", "AwaitingReconciliation", message))


def _not_initialized(reason: str, message: str) -> Stage:
    return Stage(condition("Initialized", "Unknown", reason, message))
