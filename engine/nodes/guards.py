"""The questions that a node claim's lifecycle asks: of the claim and of what was observed."""

import re
from datetime import timedelta

from engine.instance_types import find_instance_type
from engine.nodes.agent_pool import AgentPool, PoolState
from engine.nodes.claim import NodeClaim
from engine.nodes.observation import NodeObservation, PoolNode
from engine.nodes.reason import NodeReason
from engine.nodes.refusals import Course, Verdict, judge

POOL_NAME = re.compile(r"[a-z][a-z0-9]{0,11}")
"""What AKS takes for a Linux pool."""

STABLE = timedelta(seconds=5)
"""A node that loads its GPU driver is ready, and not, and ready again."""

SLOW_RETRIES_FOR = timedelta(minutes=10)
"""A role that was just granted takes up to this long to be heard of everywhere."""

GPU_FAULTS = frozenset({"GPUMissing", "XIDErrors", "GPUXIDErrors"})
INTERCONNECT_FAULTS = frozenset({"NVLinkStatusInactive", "IBLinkFlapping"})
"""These matter only where a model spans several GPUs. Throttled clocks are no fault: slow is not
broken. (Conditions of AKS's node problem detector; True means trouble.)"""


def deletion_requested(claim: NodeClaim, _: NodeObservation) -> bool:
    return claim.deletion_requested is not None


def finalizer_held(claim: NodeClaim, _: NodeObservation) -> bool:
    return claim.finalizer_held


def deadline_passed(claim: NodeClaim, seen: NodeObservation) -> bool:
    deadline = claim.machine.deadline
    return deadline is not None and seen.at >= deadline


def flaw(claim: NodeClaim) -> str:
    """What is wrong with the request itself, "" where nothing is."""
    if not POOL_NAME.fullmatch(claim.ref.name):
        return (
            "its name cannot be an agent pool's: "
            "that takes 1 to 12 lower-case letters and digits, a letter first"
        )
    if not claim.spec.instance_type:
        return (
            "it asks for no instance type: add a requirement for node.kubernetes.io/instance-type"
        )
    return ""


def flawed(claim: NodeClaim, _: NodeObservation) -> bool:
    return bool(flaw(claim))


def own_pool(claim: NodeClaim, seen: NodeObservation) -> AgentPool | None:
    """The claim's pool; one of its name that is someone else's is never touched."""
    pool = seen.pool
    return pool if pool is not None and pool.owner == claim.uid else None


def name_taken(claim: NodeClaim, seen: NodeObservation) -> bool:
    """Not by one that is on its way out: that is waited for."""
    pool = seen.pool
    return pool is not None and pool.owner != claim.uid and pool.state is not PoolState.DELETING


def refusal(claim: NodeClaim, seen: NodeObservation) -> Verdict | None:
    """Azure's final no to this launch, if it said one."""
    pool = own_pool(claim, seen)
    if pool is not None:
        ended = pool.state in (PoolState.FAILED, PoolState.CANCELED)
        return _failed(claim, pool) if ended else None
    if seen.refusal is None:
        return None
    verdict = judge(seen.refusal, claim.spec.capacity_type)
    waited = seen.at - claim.machine.since
    if verdict.course is Course.SLOW_RETRY and waited < SLOW_RETRIES_FOR:
        return None
    final = (Course.GIVE_UP, Course.OTHER_OFFERING, Course.SLOW_RETRY)
    return verdict if verdict.course in final else None


def _failed(claim: NodeClaim, pool: AgentPool) -> Verdict:
    """A pool that failed is made again under another name, whatever it failed of."""
    if pool.error is None:
        return Verdict(NodeReason.CLOUD_FAILED, Course.GIVE_UP)
    return judge(pool.error, claim.spec.capacity_type)


def launch_refused(claim: NodeClaim, seen: NodeObservation) -> bool:
    return name_taken(claim, seen) or refusal(claim, seen) is not None


def launched(claim: NodeClaim, seen: NodeObservation) -> bool:
    """AKS is done with it; a change that follows at once (an upgrade, say) changes nothing."""
    pool = own_pool(claim, seen)
    return pool is not None and pool.state in (PoolState.SUCCEEDED, PoolState.CHANGING)


def living_nodes(seen: NodeObservation) -> tuple[PoolNode, ...]:
    return tuple(node for node in seen.nodes if not node.releasing)


def the_node(seen: NodeObservation) -> PoolNode | None:
    """The one node of the pool; during a surge there are two, and then none is the one."""
    living = living_nodes(seen)
    return living[0] if len(living) == 1 and living[0].provider_id else None


def registered(_: NodeClaim, seen: NodeObservation) -> bool:
    return the_node(seen) is not None


def suspended(claim: NodeClaim, seen: NodeObservation) -> bool:
    """A stopped pool was stopped on purpose, and comes back when it is started."""
    pool = own_pool(claim, seen)
    return pool is not None and pool.stopped


def instance_lost(claim: NodeClaim, seen: NodeObservation) -> bool:
    """Deleted or emptied by somebody else, or taken back: what ran there will not come again."""
    pool = own_pool(claim, seen)
    if pool is None or pool.state is PoolState.DELETING:
        return True
    return pool.count == 0 and not pool.stopped


def expected_gpus(claim: NodeClaim) -> int:
    """By the table of instance types; of a size that is not in it, Azure's N series has one."""
    found = find_instance_type(claim.spec.instance_type)
    if found is not None:
        return found.gpus
    return int(claim.spec.instance_type.lower().startswith("standard_n"))


def gpu_fault(claim: NodeClaim, node: PoolNode) -> str:
    """The node's own word for what is wrong with its GPUs, "" where it has none."""
    several = expected_gpus(claim) > 1
    faults = GPU_FAULTS | INTERCONNECT_FAULTS if several else GPU_FAULTS
    return next((problem for problem in node.problems if problem in faults), "")


def fit(claim: NodeClaim, node: PoolNode) -> bool:
    """It can take the workload: all GPUs, not just some."""
    starting = {taint.key for taint in claim.spec.startup_taints}
    return (
        node.ready
        and node.gpus >= expected_gpus(claim)
        and not gpu_fault(claim, node)
        and starting.isdisjoint(node.taints)
    )


def usable(claim: NodeClaim, seen: NodeObservation) -> bool:
    """During a surge one of the two is enough: AKS moves the workload between them."""
    return any(fit(claim, node) for node in living_nodes(seen))


def usable_for_a_while(claim: NodeClaim, seen: NodeObservation) -> bool:
    since = claim.machine.usable_since
    return usable(claim, seen) and since is not None and seen.at - since >= STABLE


def unusable(claim: NodeClaim, seen: NodeObservation) -> bool:
    return not usable(claim, seen)


def drained(claim: NodeClaim, seen: NodeObservation) -> bool:
    return all(node.pods == 0 for node in own_nodes(claim, seen))


def nothing_left(claim: NodeClaim, seen: NodeObservation) -> bool:
    return own_pool(claim, seen) is None and not own_nodes(claim, seen)


def own_nodes(claim: NodeClaim, seen: NodeObservation) -> tuple[PoolNode, ...]:
    """None where the pool of that name is another's: then so are its nodes."""
    foreign = seen.pool is not None and seen.pool.owner != claim.uid
    return () if foreign else seen.nodes
