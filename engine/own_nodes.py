"""The user's own nodes: those that match are used first, and only the rest is provisioned.

A workspace chooses its own nodes when it is planned, and remembers them before it takes them; one
that is lost is replaced by another that matches, or else by a node claim. It never exchanges a
claim that it has for a node that turns up later.
"""

from dataclasses import replace

from engine import guards
from engine.observation import Node, Observation
from engine.phase import CLAIMING
from engine.provisioning import Provisioner
from engine.workspace import MachineState, Plan, Workspace


def chosen(workspace: Workspace, observation: Observation, plan: Plan) -> tuple[str, ...]:
    """The own nodes to run ``plan`` on: those it keeps, and more for what it has no claims for."""
    kept = kept_nodes(workspace, observation)[: plan.node_count]
    claimed = len(guards.wanted_claims(workspace, observation))
    return (*kept, *_spare(workspace, observation, plan, plan.node_count - len(kept) - claimed))


def recruited(workspace: Workspace, observation: Observation) -> MachineState:
    """The state with others in place of own nodes that are lost.

    Where nobody provisions nodes, with more of them as long as some are missing.
    """
    state, plan = workspace.machine, workspace.machine.plan
    if plan is None or state.phase not in CLAIMING:
        return state
    kept = kept_nodes(workspace, observation)
    alone = plan.provisioner is Provisioner.NONE
    short = (plan.node_count if alone else len(state.own_nodes)) - len(kept)
    return replace(state, own_nodes=(*kept, *_spare(workspace, observation, plan, short)))


def kept_nodes(workspace: Workspace, observation: Observation) -> tuple[str, ...]:
    """Those that are still there, and not another workspace's, however they fare just now."""
    there = {node.name for node in (*observation.nodes, *observation.spare_nodes)}
    return tuple(name for name in workspace.machine.own_nodes if name in there)


def _spare(
    workspace: Workspace, observation: Observation, plan: Plan, count: int
) -> tuple[str, ...]:
    fitting = [
        node.name
        for node in _in_order(workspace, observation)
        if node.name not in workspace.machine.own_nodes and fits(node, plan)
    ]
    return tuple(fitting[: max(0, count)])


def _in_order(workspace: Workspace, observation: Observation) -> list[Node]:
    """Those that the user prefers first, in the user's order; then by name.

    One that still bears this workspace's marks is nobody else's, and as good as a spare one.
    """
    nodes = (*observation.spare_nodes, *guards.borrowed_nodes(observation))
    preferred = workspace.spec.resource.preferred_nodes
    rank = {name: place for place, name in enumerate(preferred)}
    return sorted(nodes, key=lambda node: (rank.get(node.name, len(rank)), node.name))


def seeking(workspace: Workspace) -> bool:
    """Whether a node of the user's that turns up now would be taken."""
    state, plan = workspace.machine, workspace.machine.plan
    alone = plan is not None and plan.provisioner is Provisioner.NONE
    return alone and state.phase in CLAIMING and len(state.own_nodes) < guards.node_count(workspace)


def fits(node: Node, plan: Plan) -> bool:
    """A node that says no instance type is judged by its GPUs alone: it is no cloud's."""
    of_type = node.instance_type.lower() in ("", plan.instance_type.lower())
    return node.ready and of_type and node.gpus >= plan.gpus_per_node
