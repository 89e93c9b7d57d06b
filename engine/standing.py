"""Where a workspace stands, in words: what it waits for, why, and what to do about it.

One function a phase, from the same values that decide; a failure is worded once, when it happens.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from engine import guards
from engine.action import workload_name
from engine.deadlines import PATIENCE
from engine.observation import Observation, Replica
from engine.offerings import plans, unfit
from engine.phase import Phase
from engine.provisioning import Provisioner
from engine.reason import Reason
from engine.setback import with_setback
from engine.sizing import PlanRefusal
from engine.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """``waiting_for`` is "" in a phase that rests."""

    reason: Reason
    message: str
    waiting_for: str = ""
    remedy: str = ""


Teller = Callable[[Workspace, Observation], Standing]

_PATIENCE = "nothing to do: it carries on by itself"


def _pending(_: Workspace, __: Observation) -> Standing:
    return Standing(
        reason=Reason.FINALIZER_PENDING,
        message="accepted; its finalizer is not held yet",
        waiting_for="the finalizer that guards what will be created",
        remedy=_PATIENCE,
    )


def _planning(workspace: Workspace, _: Observation) -> Standing:
    state = workspace.machine
    if state.refused and state.plan and state.refused[-1].offering == state.plan.offering:
        return Standing(
            reason=Reason.OFFERING_REFUSED,
            message=f"{state.refused[-1]}; on to the next that is accepted",
            waiting_for="a plan with another instance type or capacity type",
            remedy=_PATIENCE,
        )
    return Standing(
        reason=Reason.PLANNING,
        message="being sized",
        waiting_for="a plan of nodes and GPUs",
        remedy=_PATIENCE,
    )


def _provisioning(workspace: Workspace, observation: Observation) -> Standing:
    current = workspace.machine.plan
    wanted = guards.claims_wanted(workspace)
    kind = current.offering if current else ""
    claims = guards.claims_told(workspace, observation)
    unready = [claim for claim in claims if not claim.ready]
    if unready or len(claims) < wanted:
        ready = len(claims) - len(unready)
        detail = "; ".join(f"{c.name}: {c.message or c.reason or 'no news yet'}" for c in unready)
        return Standing(
            reason=Reason.NODE_CLAIM_NOT_READY,
            message=f"{ready} of {wanted} node claims ready"
            + (f" ({detail})" if detail else "")
            + _replacements(workspace)
            + _refused_before(workspace),
            waiting_for=f"{wanted} node(s) of {kind}",
            remedy="`kubectl get nodeclaims` and `kubectl describe nodeclaim NAME` tell more",
        )
    return _nodes(workspace, observation)


def _replacements(workspace: Workspace) -> str:
    lost = sum(workspace.machine.replacements)
    return f"; {lost} lost and replaced so far" if lost else ""


def _refused_before(workspace: Workspace) -> str:
    refused = "; ".join(map(str, workspace.machine.refused))
    return f"; refused before: {refused}" if refused else ""


def _nodes(workspace: Workspace, observation: Observation) -> Standing:
    nodes = guards.wanted_nodes(workspace, observation)
    without_gpu = [n.name for n in nodes if n.ready and not guards.gpus_allocatable(workspace, n)]
    if without_gpu:
        return Standing(
            reason=Reason.GPU_NOT_ALLOCATABLE,
            message="no allocatable GPU yet on " + ", ".join(without_gpu),
            waiting_for="nvidia.com/gpu on the nodes",
            remedy="check the GPU device plugin on these nodes",
        )
    unready = [node.name for node in nodes if not node.ready]
    missing = guards.node_count(workspace) - len(nodes)
    told = [
        *([f"not ready: {', '.join(unready)}"] if unready else []),
        *([f"{missing} node(s) not there yet"] if missing else []),
    ]
    return Standing(
        reason=Reason.NODE_NOT_READY,
        message="; ".join(told) or "all nodes are ready",
        waiting_for=_awaited_nodes(workspace, missing),
        remedy="`kubectl get nodes --show-labels` and `kubectl describe node NAME` tell more",
    )


def _awaited_nodes(workspace: Workspace, missing: int) -> str:
    plan, resource = workspace.machine.plan, workspace.spec.resource
    if plan is None or plan.provisioner is not Provisioner.NONE or not missing:
        return "the nodes to become ready"
    labels = ",".join(f"{key}={value}" for key, value in resource.match_labels.items())
    named = labels or ", ".join(resource.preferred_nodes)
    return (
        f"{missing} node(s) of {plan.instance_type} that are yours and match {named or 'nothing'}"
    )


def _deploying(workspace: Workspace, observation: Observation) -> Standing:
    replicas = guards.current_replicas(workspace, observation)
    troubled = _troubled(replicas)
    if troubled is not None:
        return troubled
    wanted = guards.node_count(workspace)
    started = sum(replica.started for replica in replicas)
    return Standing(
        reason=Reason.CONTAINERS_STARTING,
        message=f"{started} of {wanted} pods have their containers running"
        + "".join(f"; {r.name}: {r.progress}" for r in replicas if r.progress and not r.started),
        waiting_for="images, weights and containers",
        remedy=f"`kubectl describe pod {workload_name(workspace.ref)}-0` tells more",
    )


def _loading(workspace: Workspace, observation: Observation) -> Standing:
    replicas = guards.current_replicas(workspace, observation)
    return (
        _troubled(replicas)
        or _silent(workspace, observation)
        or Standing(
            reason=Reason.MODEL_LOADING,
            message=f"{sum(r.serving for r in replicas)} of {guards.node_count(workspace)} "
            "models answer",
            waiting_for="the model to load and answer a first request",
            remedy=f"`kubectl logs {workload_name(workspace.ref)}-0 -c triton` shows the loading",
        )
    )


def _ready(workspace: Workspace, observation: Observation) -> Standing:
    refusal = guards.refused_change(workspace, observation)
    if refusal is not None:
        return Standing(
            reason=refusal.reason,
            message=f"still serving as before the last change, which cannot be served: "
            f"{refusal.message}",
            remedy=refusal.remedy,
        )
    simulated = [r.simulated for r in observation.replicas if r.simulated]
    if simulated:
        return Standing(
            reason=Reason.SERVING_SIMULATED,
            message=f"simulated: no model runs here ({simulated[0]}); requests get 503",
            remedy="for real answers: preset smollm2-135m-instruct on instance type local-cpu",
        )
    return Standing(reason=Reason.SERVING, message="the model answers")


def _degraded(workspace: Workspace, observation: Observation) -> Standing:
    refusal = guards.beyond_repair(workspace, observation)
    if refusal is not None:
        return _beyond_repair(refusal)
    replicas = guards.current_replicas(workspace, observation)
    if not guards.nodes_ready(workspace, observation):
        return _provisioning(workspace, observation)
    wanted = guards.node_count(workspace)
    return (
        _troubled(replicas)
        or _silent(workspace, observation)
        or Standing(
            reason=Reason.REPLICA_MISSING,
            message=f"{sum(r.serving for r in replicas)} of {wanted} replicas serve",
            waiting_for="its pods to be ready again",
            remedy=f"`kubectl describe pod {workload_name(workspace.ref)}-0` tells more",
        )
    )


def _beyond_repair(refusal: PlanRefusal) -> Standing:
    return Standing(
        reason=refusal.reason,
        message="its StatefulSet is gone, and the last change says nothing that could be served "
        f"in its place: {refusal.message}",
        waiting_for="a change that can be served",
        remedy=refusal.remedy,
    )


def _updating(workspace: Workspace, observation: Observation) -> Standing:
    refusal = guards.beyond_repair(workspace, observation)
    if refusal is not None:
        return _beyond_repair(refusal)
    replicas = guards.current_replicas(workspace, observation)
    return _troubled(replicas) or Standing(
        reason=Reason.ROLLOUT,
        message=f"{len(replicas)} of {len(observation.replicas)} pods are at the new revision",
        waiting_for="the changed pods to serve",
        remedy=_PATIENCE,
    )


def _deleting(workspace: Workspace, observation: Observation) -> Standing:
    left = [
        *([f"node pool {observation.node_pool.name}"] if observation.node_pool else []),
        *(f"node claim {it.name}" for it in (*observation.claims, *observation.pooled_claims)),
        *(f"node {node.name}" for node in observation.nodes),
        *(["its StatefulSet"] if observation.workload is not None else []),
        *(f"pod {replica.name}" for replica in observation.replicas),
        *(f"service {name}" for name in observation.services),
    ]
    overdue = guards.deadline_passed(workspace, observation)
    return Standing(
        reason=Reason.DELETION_OVERDUE if overdue else Reason.RELEASING,
        message="left: " + ", ".join(left) if left else "nothing is left",
        waiting_for="everything it owns to be gone",
        remedy=PATIENCE[Phase.DELETING].remedy if overdue else _PATIENCE,
    )


def _failed(workspace: Workspace, _: Observation) -> Standing:
    state = workspace.machine
    return Standing(reason=state.reason, message=state.message, remedy=state.remedy)


TELLERS: Mapping[Phase, Teller] = {
    Phase.PENDING: _pending,
    Phase.PLANNING: _planning,
    Phase.PROVISIONING: _provisioning,
    Phase.DEPLOYING: _deploying,
    Phase.LOADING: _loading,
    Phase.READY: _ready,
    Phase.DEGRADED: _degraded,
    Phase.UPDATING: _updating,
    Phase.FAILED: _failed,
    Phase.DELETING: _deleting,
}


def standing(workspace: Workspace, observation: Observation) -> Standing:
    """Where the workspace stands in its present phase."""
    told = TELLERS[workspace.machine.phase](workspace, observation)
    return replace(told, message=with_setback(told.message, observation.setbacks))


def failure(workspace: Workspace, observation: Observation) -> Standing:
    """Why the machine gives up from its present phase, in the order of the table's guards."""
    if workspace.machine.phase is Phase.PLANNING and guards.plan_refused(workspace, observation):
        return _unplannable(workspace)
    if guards.claim_refused(workspace, observation):
        return _refused(workspace, observation)
    last = standing(workspace, observation)
    patience = PATIENCE[workspace.machine.phase]
    if guards.beyond_repair(workspace, observation) is not None:
        return Standing(reason=last.reason, message=last.message, remedy=last.remedy)
    if guards.replica_hopeless(workspace, observation):
        return Standing(reason=last.reason, message=last.message, remedy=patience.remedy)
    return Standing(
        reason=patience.exhausted,
        message=f"gave up {workspace.machine.phase}: {last.message}",
        remedy=patience.remedy,
    )


def _unplannable(workspace: Workspace) -> Standing:
    """The first refusal tells what to do; all of them are told where several were accepted."""
    state, outcomes = workspace.machine, plans(workspace.spec)
    refusal = next((it for _, it in outcomes if isinstance(it, PlanRefusal)), None)
    if refusal is not None and len(outcomes) == 1:
        return Standing(reason=refusal.reason, message=refusal.message, remedy=refusal.remedy)
    refused = (*state.refused, *unfit(workspace.spec, state.candidate))
    return Standing(
        reason=refusal.reason if refusal else Reason.OFFERING_REFUSED,
        message="nothing that it accepts can be had: " + "; ".join(map(str, refused)),
        remedy=refusal.remedy if refusal else PATIENCE[Phase.PROVISIONING].remedy,
    )


def _refused(workspace: Workspace, observation: Observation) -> Standing:
    claim = guards.refused_claims(workspace, observation)[0]
    return Standing(
        reason=Reason.NODE_CLAIM_REFUSED,
        message=f"node claim {claim.name} was refused: {claim.reason}: {claim.message}"
        + _refused_before(workspace),
        remedy=PATIENCE[Phase.PROVISIONING].remedy,
    )


def _troubled(replicas: tuple[Replica, ...]) -> Standing | None:
    for replica in replicas:
        if replica.trouble is not None:
            return Standing(
                reason=replica.trouble.reason,
                message=f"pod {replica.name}: {replica.trouble.message}",
                waiting_for="the pod to recover",
                remedy=f"`kubectl describe pod {replica.name}` and "
                f"`kubectl logs {replica.name} --all-containers` tell more",
            )
    return None


def _silent(workspace: Workspace, observation: Observation) -> Standing | None:
    for replica in guards.silent_replicas(workspace, observation):
        return Standing(
            reason=Reason.MODEL_SILENT,
            message=f"pod {replica.name} is ready, but its model does not answer: "
            f"{replica.silence}",
            waiting_for="the model to answer; a silent pod is replaced",
            remedy=f"`kubectl logs {replica.name} -c triton` tells more",
        )
    return None
