"""The questions that the lifecycle asks: of the workspace and of what was observed."""

from engine.action import claim_count, node_claim_names, node_pool_name, node_pool_size
from engine.nodes.reason import ANOTHER_OFFERING_MAY_HELP, LOST, WORTH_ANOTHER_TRY
from engine.observation import Answer, Node, NodeClaim, Observation, Replica, named
from engine.offerings import choose, offerings
from engine.phase import Phase
from engine.provisioning import Provisioner
from engine.reason import Reason
from engine.sizing import PlanRefusal, plan
from engine.workspace import Offering, Plan, Workspace

CRASH_LOOP_RESTARTS = 5
"""By then Kubernetes waits five minutes between tries, and the user should know."""


def deletion_requested(workspace: Workspace, _: Observation) -> bool:
    return workspace.deletion_requested is not None


def finalizer_held(workspace: Workspace, _: Observation) -> bool:
    return workspace.finalizer_held


def plan_possible(workspace: Workspace, _: Observation) -> bool:
    return choose(workspace.spec, workspace.machine.candidate) is not None


def plan_refused(workspace: Workspace, observation: Observation) -> bool:
    return not plan_possible(workspace, observation)


def spec_changed(workspace: Workspace, _: Observation) -> bool:
    return workspace.generation != workspace.machine.planned_generation


def update_possible(workspace: Workspace, observation: Observation) -> bool:
    """A change that cannot be served leaves what is served as it is."""
    return spec_changed(workspace, observation) and isinstance(plan_in_use(workspace), Plan)


def refused_change(workspace: Workspace, observation: Observation) -> PlanRefusal | None:
    """Why the spec, changed since it was planned, cannot be served; None where it can."""
    made = plan_in_use(workspace) if spec_changed(workspace, observation) else None
    return made if isinstance(made, PlanRefusal) else None


def beyond_repair(workspace: Workspace, observation: Observation) -> PlanRefusal | None:
    """Why what was served, and is gone, cannot be made again: the spec says something else now."""
    return refused_change(workspace, observation) if observation.workload is None else None


def plan_in_use(workspace: Workspace) -> Plan | PlanRefusal:
    """What the spec comes to on the machines that the workspace has."""
    made = workspace.machine.plan
    return plan(workspace.spec, made.offering if made else offerings(workspace.spec.resource)[0])


def deadline_passed(workspace: Workspace, observation: Observation) -> bool:
    deadline = workspace.machine.deadline
    return deadline is not None and observation.at >= deadline


def node_count(workspace: Workspace) -> int:
    """How many nodes the plan asks for; without a plan, a number that nothing ever reaches."""
    return workspace.machine.plan.node_count if workspace.machine.plan is not None else -1


def claims_wanted(workspace: Workspace) -> int:
    """How many claims there are to be, ours or Karpenter's; without a plan, never that many."""
    plan = workspace.machine.plan
    if plan is None:
        return -1
    return claim_count(workspace, plan) + node_pool_size(workspace, plan)


def wanted_claims(workspace: Workspace, observation: Observation) -> tuple[NodeClaim, ...]:
    """Those of the claims this attempt asks for that exist and are not on their way out."""
    if workspace.machine.plan is None:
        return ()
    names = node_claim_names(workspace, workspace.machine.plan)
    return tuple(claim for claim in named(observation.claims, names) if not claim.releasing)


def superseded_claims(workspace: Workspace, observation: Observation) -> tuple[NodeClaim, ...]:
    """What an earlier attempt asked for and still has: it costs, and serves nobody."""
    plan = workspace.machine.plan
    wanted = () if plan is None else node_claim_names(workspace, plan)
    return tuple(
        claim for claim in observation.claims if claim.name not in wanted and not claim.releasing
    )


def wanted_nodes(workspace: Workspace, observation: Observation) -> tuple[Node, ...]:
    """The nodes of ready claims or of the pool, and the user's that are marked as taken."""
    nodes = {node.name: node for node in observation.nodes}
    claimed = [claim.node for claim in wanted_claims(workspace, observation) if claim.ready]
    names = (*workspace.machine.own_nodes, *claimed, *_pooled_nodes(workspace, observation))
    return tuple(nodes[name] for name in names if name in nodes)


def _pooled_nodes(workspace: Workspace, observation: Observation) -> tuple[str, ...]:
    """Usable ones first: while Karpenter exchanges a node, its pool has one more."""
    plan = workspace.machine.plan
    if plan is None:
        return ()
    pool = node_pool_name(workspace.ref)
    there = [node for node in observation.nodes if node.pool == pool]
    there.sort(key=lambda node: not (node.ready and gpus_allocatable(workspace, node)))
    return tuple(node.name for node in there[: node_pool_size(workspace, plan)])


def claims_told(workspace: Workspace, observation: Observation) -> tuple[NodeClaim, ...]:
    """The wanted ones, and those of the pool: ready ones first, since one more may be under way."""
    plan = workspace.machine.plan
    if plan is None:
        return ()
    pooled = [claim for claim in observation.pooled_claims if not claim.releasing]
    pooled.sort(key=lambda claim: not claim.ready)
    size = node_pool_size(workspace, plan)
    return (*wanted_claims(workspace, observation), *pooled[:size])


def superseded_pool(workspace: Workspace, observation: Observation) -> bool:
    """A NodePool of a plan that was made for it, where the present one was not."""
    plan, pool = workspace.machine.plan, observation.node_pool
    if plan is None or pool is None or pool.releasing:
        return False
    return plan.provisioner is not Provisioner.NODE_POOL


def borrowed_nodes(observation: Observation) -> tuple[Node, ...]:
    """The user's own nodes that bear this workspace's marks."""
    claimed = {claim.node for claim in observation.claims}
    return tuple(node for node in observation.nodes if not node.pool and node.name not in claimed)


def gpus_allocatable(workspace: Workspace, node: Node) -> bool:
    return workspace.machine.plan is not None and node.gpus >= workspace.machine.plan.gpus_per_node


def nodes_ready(workspace: Workspace, observation: Observation) -> bool:
    usable = [
        node
        for node in wanted_nodes(workspace, observation)
        if node.ready and gpus_allocatable(workspace, node)
    ]
    return len(usable) == node_count(workspace)


def refused_claims(workspace: Workspace, observation: Observation) -> tuple[NodeClaim, ...]:
    return tuple(claim for claim in wanted_claims(workspace, observation) if claim.refused)


def failed_claims(workspace: Workspace, observation: Observation) -> tuple[NodeClaim, ...]:
    """The refused claims in whose place another of the same kind is worth a try.

    Those whose node was lost, once those whose machine may have been a bad one, and any that is
    given up after its workspace had its nodes.
    """
    had_nodes = workspace.machine.phase is not Phase.PROVISIONING
    worth_it = LOST if any(workspace.machine.replacements) else LOST | WORTH_ANOTHER_TRY
    refused = refused_claims(workspace, observation)
    return tuple(claim for claim in refused if had_nodes or claim.reason in worth_it)


def offering_in_turn(workspace: Workspace) -> Offering | None:
    """None where the list of what is accepted was shortened under way."""
    wanted = offerings(workspace.spec.resource)
    return (
        wanted[workspace.machine.candidate] if workspace.machine.candidate < len(wanted) else None
    )


def scarce_claims(workspace: Workspace, observation: Observation) -> tuple[NodeClaim, ...]:
    """The refused claims whose kind of machine cannot be had, where another one might."""
    refused = refused_claims(workspace, observation)
    return tuple(claim for claim in refused if claim.reason in ANOTHER_OFFERING_MAY_HELP)


def offering_refused(workspace: Workspace, observation: Observation) -> bool:
    """A kind of machine cannot be had, and another one is accepted."""
    another = choose(workspace.spec, workspace.machine.candidate + 1)
    return another is not None and bool(scarce_claims(workspace, observation))


def claim_refused(workspace: Workspace, observation: Observation) -> bool:
    failed = failed_claims(workspace, observation)
    return any(claim not in failed for claim in refused_claims(workspace, observation))


def current_replicas(workspace: Workspace, observation: Observation) -> tuple[Replica, ...]:
    """The pods of the revision that is wanted now."""
    return tuple(
        replica
        for replica in observation.replicas
        if replica.revision == workspace.machine.revision and not replica.releasing
    )


def silent_replicas(workspace: Workspace, observation: Observation) -> tuple[Replica, ...]:
    """Their probes pass, and their model does not answer: only a new process can help."""
    return tuple(
        replica
        for replica in current_replicas(workspace, observation)
        if replica.ready and not replica.simulated and replica.answer is Answer.SILENT
    )


def replicas_started(workspace: Workspace, observation: Observation) -> bool:
    started = [r for r in current_replicas(workspace, observation) if r.started]
    return len(started) == node_count(workspace)


def replicas_serving(workspace: Workspace, observation: Observation) -> bool:
    serving = [r for r in current_replicas(workspace, observation) if r.serving]
    return len(serving) == node_count(workspace)


def serving(workspace: Workspace, observation: Observation) -> bool:
    return nodes_ready(workspace, observation) and replicas_serving(workspace, observation)


def not_serving(workspace: Workspace, observation: Observation) -> bool:
    """Known to be so: an engine that has just started has asked no model yet."""
    fine = [r for r in current_replicas(workspace, observation) if not r.failing]
    return not nodes_ready(workspace, observation) or len(fine) != node_count(workspace)


def replica_hopeless(workspace: Workspace, observation: Observation) -> bool:
    """Waiting cannot help: a name that no registry can resolve, or a crash loop."""
    return any(_hopeless(replica) for replica in current_replicas(workspace, observation))


def _hopeless(replica: Replica) -> bool:
    trouble = replica.trouble
    if trouble is None:
        return False
    looping = trouble.reason is Reason.CRASH_LOOP and replica.restarts >= CRASH_LOOP_RESTARTS
    return trouble.final or looping
