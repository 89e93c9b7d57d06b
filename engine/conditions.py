"""The conditions and the state that KAITO's clients read, from the same values that decide.

Types, reasons and states are KAITO's exact strings (``api/v1beta1``); a condition that does not
apply is absent, so that its column stays empty.
"""

from collections.abc import Iterator
from typing import NamedTuple

from engine import guards
from engine.observation import Observation
from engine.phase import Phase
from engine.provisioning import Provisioner
from engine.standing import Standing
from engine.transition_times import dated
from engine.workspace import Condition, ConditionType, Workspace

_PRESENT_STATE = {
    Phase.PENDING: "Pending",
    Phase.PLANNING: "Pending",
    Phase.PROVISIONING: "Pending",
    Phase.DEPLOYING: "Pending",
    Phase.LOADING: "Pending",
    Phase.READY: "Ready",
    Phase.DEGRADED: "NotReady",
    Phase.UPDATING: "NotReady",
    Phase.FAILED: "Failed",
    Phase.DELETING: "NotReady",
}


def kaito_state(phase: Phase) -> str:
    """KAITO's ``status.state``; it knows no Failed for inference, where we do give up."""
    return _PRESENT_STATE[phase]


def conditions(
    workspace: Workspace, observation: Observation, told: Standing
) -> tuple[Condition, ...]:
    """Every condition that applies; one that did not change keeps its instant."""
    return dated(_found(workspace, observation, told), workspace.machine.conditions)


class Finding(NamedTuple):
    """What a condition says, but for when and of which generation."""

    reason: str
    message: str
    status: bool


def _found(workspace: Workspace, observation: Observation, told: Standing) -> Iterator[Condition]:
    for kind, (reason, message, status) in _findings(workspace, observation, told):
        yield Condition(
            type=kind,
            status=status,
            reason=reason,
            message=message,
            since=observation.at,
            observed_generation=workspace.machine.planned_generation or workspace.generation,
        )


def _findings(
    workspace: Workspace, observation: Observation, told: Standing
) -> Iterator[tuple[ConditionType, Finding]]:
    phase = workspace.machine.phase
    ready = phase is Phase.READY
    claims, nodes = _claims(workspace, observation, told), _nodes(workspace, observation, told)
    if observation.provisioner is not Provisioner.NONE:
        yield ConditionType.NODE_CLAIM_READY, claims
    yield ConditionType.NODES_READY, nodes
    yield ConditionType.RESOURCE_READY, _resource(claims, nodes)
    if workspace.spec.inference is not None:
        serving = ready or (phase is Phase.UPDATING and guards.serving(workspace, observation))
        reason = "WorkspaceInferenceStatusSuccess" if serving else _inference_reason(phase, told)
        yield ConditionType.INFERENCE_READY, Finding(reason, told.message, status=serving)
    else:
        pending = Finding("WorkspaceTuningJobStatusPending", told.message, status=False)
        yield ConditionType.JOB_STARTED, pending
    outcome = "workspaceFailed" if phase is Phase.FAILED else "workspacePending"
    whole = Finding("workspaceSucceeded" if ready else outcome, told.message, status=ready)
    yield ConditionType.WORKSPACE_READY, whole
    yield ConditionType.WORKSPACE_SUCCEEDED, whole
    if phase is Phase.DELETING:
        yield (
            ConditionType.WORKSPACE_DELETING,
            Finding("workspaceDeleted", told.message, status=True),
        )


def _claims(workspace: Workspace, observation: Observation, told: Standing) -> Finding:
    """The provisioner's own words about the first claim that is not ready."""
    claims = guards.claims_told(workspace, observation)
    unready = next((claim for claim in claims if not claim.ready), None)
    if unready is None and len(claims) == guards.claims_wanted(workspace):
        return Finding("NodeClaimsReady", "all node claims are ready", status=True)
    if unready is None or not unready.reason:
        return Finding(_last_reason(workspace), told.message, status=False)
    return Finding(unready.reason, unready.message or told.message, status=False)


def _last_reason(workspace: Workspace) -> str:
    """A failure keeps the provisioner's word for it when the claim is gone."""
    for condition in workspace.machine.conditions:
        if condition.type is ConditionType.NODE_CLAIM_READY and not condition.status:
            return condition.reason if workspace.machine.phase is Phase.FAILED else _NOT_READY
    return _NOT_READY


_NOT_READY = "NodeClaimNotReady"


def _nodes(workspace: Workspace, observation: Observation, told: Standing) -> Finding:
    nodes = guards.wanted_nodes(workspace, observation)
    pressed = [f"{node.name}: {', '.join(node.pressures)}" for node in nodes if node.pressures]
    warning = f"; warning: {'; '.join(pressed)}" if pressed else ""
    if guards.nodes_ready(workspace, observation):
        return Finding("NodesReady", f"all nodes are ready{warning}", status=True)
    without_gpu = any(
        node.ready and not guards.gpus_allocatable(workspace, node) for node in observation.nodes
    )
    reason = "NodePluginsNotReady" if without_gpu else "NodeNotReady"
    return Finding(reason, f"{told.message}{warning}", status=False)


def _resource(claims: Finding, nodes: Finding) -> Finding:
    """Says what stands in the way, in the words of the condition that says so."""
    if nodes.status:
        return Finding("workspaceResourceStatusSuccess", "nodes and GPUs are ready", status=True)
    return nodes if claims.status else claims


_POD_REASONS = frozenset(
    {
        "ContainerOOMKilled",
        "ImagePullError",
        "ContainerStartError",
        "Unschedulable",
    }
)


def _inference_reason(phase: Phase, told: Standing) -> str:
    if told.reason in _POD_REASONS or phase is Phase.FAILED:
        return told.reason.value
    return "WorkspaceInferenceStatusPending"
