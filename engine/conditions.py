"""The conditions and the state that KAITO's clients read, from the same values that decide.

Types, reasons and states are KAITO's exact strings (``api/v1beta1``); a condition that does not
apply is absent, so that its column stays empty.
"""

from collections.abc import Iterator

from engine import guards
from engine.observation import Observation
from engine.phase import Phase
from engine.standing import Standing
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
    earlier = {condition.type: condition for condition in workspace.machine.conditions}
    return tuple(
        _dated(found, earlier.get(found.type)) for found in _found(workspace, observation, told)
    )


def _dated(found: Condition, earlier: Condition | None) -> Condition:
    if earlier is None or earlier.status != found.status:
        return found
    return Condition(
        type=found.type,
        status=found.status,
        reason=found.reason,
        message=found.message,
        since=earlier.since,
        observed_generation=found.observed_generation,
    )


def _found(workspace: Workspace, observation: Observation, told: Standing) -> Iterator[Condition]:
    def condition(kind: ConditionType, reason: str, message: str, *, status: bool) -> Condition:
        return Condition(
            type=kind,
            status=status,
            reason=reason,
            message=message,
            since=observation.at,
            observed_generation=workspace.machine.planned_generation or workspace.generation,
        )

    phase = workspace.machine.phase
    ready = phase is Phase.READY
    nodes_ready = guards.nodes_ready(workspace, observation)
    claims = guards.wanted_claims(workspace, observation)
    unready = next((claim for claim in claims if not claim.ready), None)
    claims_ready = bool(claims) and unready is None
    claim_reason = unready.reason if unready and unready.reason else "NodeClaimNotReady"
    yield condition(
        ConditionType.NODE_CLAIM_READY,
        "NodeClaimsReady" if claims_ready else claim_reason,
        "all node claims are ready" if claims_ready else told.message,
        status=claims_ready,
    )
    yield condition(
        ConditionType.NODES_READY,
        "NodesReady" if nodes_ready else _nodes_reason(workspace, observation),
        "all nodes are ready" if nodes_ready else told.message,
        status=nodes_ready,
    )
    yield condition(
        ConditionType.RESOURCE_READY,
        "workspaceResourceStatusSuccess" if nodes_ready else "workspaceResourceStatusNotReady",
        "nodes and GPUs are ready" if nodes_ready else told.message,
        status=nodes_ready,
    )
    if workspace.spec.inference is not None:
        serving = ready or (phase is Phase.UPDATING and guards.serving(workspace, observation))
        yield condition(
            ConditionType.INFERENCE_READY,
            "WorkspaceInferenceStatusSuccess" if serving else _inference_reason(phase, told),
            told.message,
            status=serving,
        )
    else:
        yield condition(
            ConditionType.JOB_STARTED,
            "WorkspaceTuningJobStatusPending",
            told.message,
            status=False,
        )
    outcome = "workspaceFailed" if phase is Phase.FAILED else "workspacePending"
    for kind in (ConditionType.WORKSPACE_READY, ConditionType.WORKSPACE_SUCCEEDED):
        reason = "workspaceSucceeded" if ready else outcome
        yield condition(kind, reason, told.message, status=ready)
    if phase is Phase.DELETING:
        yield condition(
            ConditionType.WORKSPACE_DELETING, "workspaceDeleted", told.message, status=True
        )


def _nodes_reason(workspace: Workspace, observation: Observation) -> str:
    nodes = guards.wanted_nodes(workspace, observation)
    without_gpu = any(node.ready and not guards.gpus_allocatable(workspace, node) for node in nodes)
    return "NodePluginsNotReady" if without_gpu else "NodeNotReady"


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
