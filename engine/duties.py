"""What each phase asks of the world: the second table.

Duties are asked again at every step, and each is an idempotent ensure, so a crash between saving
a phase and acting on it loses nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from engine import guards
from engine.action import (
    Action,
    EnsureNodeClaims,
    EnsureNodePool,
    EnsureServices,
    EnsureWorkload,
    HoldFinalizer,
    Release,
    ReleaseFinalizer,
    ReleaseNodes,
    ReplaceReplica,
    Resource,
    ScaleWorkload,
    TakeNodes,
    node_claim_names,
    node_pool_size,
    service_names,
)
from engine.observation import Observation
from engine.phase import Phase
from engine.provisioning import Provisioner
from engine.workspace import Workspace

SILENCE_BORNE = timedelta(seconds=10)
"""How long a ready replica may leave the canary without an answer before its pod is replaced."""

Duty = Callable[[Workspace, Observation], Iterator[Action]]


def hold_finalizer(workspace: Workspace, _: Observation) -> Iterator[Action]:
    """Also later on, since anybody may strip it; but none can be added to what is being deleted."""
    if not workspace.finalizer_held and workspace.deletion_requested is None:
        yield HoldFinalizer()


def superseded_claims(workspace: Workspace, observation: Observation) -> Iterator[Action]:
    superseded = guards.superseded_claims(workspace, observation)
    if superseded:
        names = tuple(claim.name for claim in superseded)
        yield Release(resource=Resource.NODE_CLAIMS, names=names)
    if guards.superseded_pool(workspace, observation):
        yield Release(resource=Resource.NODE_POOL)


def own_nodes(workspace: Workspace, observation: Observation) -> Iterator[Action]:
    """Marks the chosen nodes; unmarks any that are not, or no longer, among them."""
    wanted = workspace.machine.own_nodes
    marked = {node.name for node in guards.borrowed_nodes(observation)}
    unmarked = tuple(name for name in wanted if name not in marked)
    if unmarked:
        yield TakeNodes(names=unmarked)
    if marked.difference(wanted):
        yield ReleaseNodes(names=tuple(sorted(marked.difference(wanted))))


def node_claims(workspace: Workspace, observation: Observation) -> Iterator[Action]:
    """None beside those of an earlier attempt: quota and money are for one at a time.

    None again in place of one that was there: its successor bears another name.
    """
    plan = workspace.machine.plan
    if plan is None or guards.superseded_claims(workspace, observation):
        return
    names = node_claim_names(workspace, plan)
    known = {*workspace.machine.claims_seen, *(claim.name for claim in observation.claims)}
    missing = tuple(name for name in names if name not in known)
    if missing:
        yield EnsureNodeClaims(names=missing, plan=plan)


def node_pool(workspace: Workspace, observation: Observation) -> Iterator[Action]:
    """Made, and kept as planned; as with claims, not beside what an earlier attempt still has."""
    plan, found = workspace.machine.plan, observation.node_pool
    if plan is None or guards.superseded_claims(workspace, observation):
        return
    size = node_pool_size(workspace, plan)
    if found is None:
        if size:
            yield EnsureNodePool(plan=plan, replicas=size)
    elif not found.releasing and (found.offering, found.replicas) != (plan.offering, size):
        yield EnsureNodePool(plan=plan, replicas=size, version=found.version)


_PROVISION: Mapping[Provisioner, tuple[Duty, ...]] = {
    Provisioner.NODE_CLAIM: (node_claims,),
    Provisioner.NODE_POOL: (node_pool,),
    Provisioner.NONE: (),
}


def provisioned_nodes(workspace: Workspace, observation: Observation) -> Iterator[Action]:
    """As whoever the plan was made for has them asked for."""
    plan = workspace.machine.plan
    for duty in _PROVISION[plan.provisioner] if plan is not None else ():
        yield from duty(workspace, observation)


def services(workspace: Workspace, observation: Observation) -> Iterator[Action]:
    if not set(service_names(workspace.ref)) <= set(observation.services):
        yield EnsureServices()


def workload(workspace: Workspace, observation: Observation) -> Iterator[Action]:
    """Made, and kept as planned; a spec that is not planned yet shapes no pod."""
    plan, revision = workspace.machine.plan, workspace.machine.revision
    found = observation.workload
    if plan is None:
        return
    if guards.spec_changed(workspace, observation):
        if found is not None and found.replicas != plan.node_count:
            yield ScaleWorkload(replicas=plan.node_count, version=found.version)
    elif found is None:
        yield EnsureWorkload(plan=plan, revision=revision)
    elif (found.revision, found.replicas) != (revision, plan.node_count):
        yield EnsureWorkload(plan=plan, revision=revision, version=found.version)


def replace_silent_replicas(workspace: Workspace, observation: Observation) -> Iterator[Action]:
    since = workspace.machine.silent_since
    if since is None or observation.at - since < SILENCE_BORNE:
        return
    for replica in guards.silent_replicas(workspace, observation):
        yield ReplaceReplica(name=replica.name, uid=replica.uid, why=replica.silence)


def release_workload(_: Workspace, observation: Observation) -> Iterator[Action]:
    if observation.workload is not None and not observation.workload.releasing:
        yield Release(resource=Resource.WORKLOAD)


def release_nodes(_: Workspace, observation: Observation) -> Iterator[Action]:
    """After the pods, so that their programs end in their own time and not with the machine."""
    pods_gone = observation.workload is None and not observation.replicas
    if pods_gone and any(not claim.releasing for claim in observation.claims):
        yield Release(resource=Resource.NODE_CLAIMS)
    pool = observation.node_pool
    if pods_gone and pool is not None and not pool.releasing:
        yield Release(resource=Resource.NODE_POOL)
    borrowed = guards.borrowed_nodes(observation)
    if pods_gone and borrowed:
        yield ReleaseNodes(names=tuple(node.name for node in borrowed))


def release_services(_: Workspace, observation: Observation) -> Iterator[Action]:
    if observation.services:
        yield Release(resource=Resource.SERVICES)


def release_finalizer(workspace: Workspace, observation: Observation) -> Iterator[Action]:
    if observation.empty and workspace.finalizer_held:
        yield ReleaseFinalizer()


_SERVING = (hold_finalizer, superseded_claims, own_nodes, provisioned_nodes, services, workload)

DUTIES: Mapping[Phase, tuple[Duty, ...]] = {
    Phase.PENDING: (hold_finalizer,),
    Phase.PLANNING: (),
    Phase.PROVISIONING: (hold_finalizer, superseded_claims, own_nodes, provisioned_nodes, services),
    Phase.DEPLOYING: _SERVING,
    Phase.LOADING: (*_SERVING, replace_silent_replicas),
    Phase.READY: _SERVING,
    Phase.DEGRADED: (*_SERVING, replace_silent_replicas),
    Phase.UPDATING: (*_SERVING, replace_silent_replicas),
    Phase.FAILED: (release_workload, release_nodes),
    Phase.DELETING: (release_services, release_workload, release_nodes, release_finalizer),
}


def duties(workspace: Workspace, observation: Observation) -> tuple[Action, ...]:
    """All that the workspace's phase asks of the world now.

    Nothing is made for a workspace that could vanish unseen: first comes its finalizer alone.
    """
    asked = tuple(
        action
        for duty in DUTIES[workspace.machine.phase]
        for action in duty(workspace, observation)
    )
    return (HoldFinalizer(),) if HoldFinalizer() in asked else asked
