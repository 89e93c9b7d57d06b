"""Workspaces and observations to try the engine on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from engine.action import node_claim_names, service_names, workload_revision
from engine.observation import Answer, Node, NodeClaim, Observation, Replica, Workload
from engine.offerings import offerings
from engine.phase import Phase
from engine.sizing import plan
from engine.workspace import (
    Inference,
    MachineState,
    Plan,
    PresetChoice,
    Resource,
    Workspace,
    WorkspaceRef,
    WorkspaceSpec,
)

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)

SMALL = WorkspaceSpec(
    resource=Resource(instance_type="local-cpu"),
    inference=Inference(preset=PresetChoice(name="smollm2-135m-instruct")),
)
PHI_3 = WorkspaceSpec(
    resource=Resource(instance_type="Standard_NC6s_v3", match_labels={"apps": "phi-3"}),
    inference=Inference(preset=PresetChoice(name="phi-3-mini-4k-instruct")),
)


def workspace(phase: Phase, spec: WorkspaceSpec = SMALL) -> Workspace:
    """A workspace that came to ``phase`` as its machine would have brought it there."""
    made = plan(spec, offerings(spec.resource)[0])
    planned = isinstance(made, Plan) and phase not in (Phase.PENDING, Phase.PLANNING)
    return Workspace(
        ref=WorkspaceRef(namespace="default", name="demo"),
        uid="0f0f",
        resource_version="7",
        generation=1,
        created=NOW,
        spec=spec,
        finalizer_held=phase is not Phase.PENDING,
        deletion_requested=NOW if phase is Phase.DELETING else None,
        machine=MachineState(
            phase=phase,
            since=NOW,
            deadline=NOW + timedelta(minutes=10),
            plan=made if planned and isinstance(made, Plan) else None,
            revision=workload_revision(spec, made) if planned and isinstance(made, Plan) else "",
            planned_generation=1,
        ),
    )


def claims(of: Workspace) -> tuple[NodeClaim, ...]:
    assert of.machine.plan is not None
    names = node_claim_names(of, of.machine.plan)
    return tuple(NodeClaim(name=name, ready=True, node=f"node-{name}") for name in names)


def nodes(of: Workspace) -> tuple[Node, ...]:
    plan = of.machine.plan
    assert plan is not None
    return tuple(
        Node(
            name=c.node,
            ready=True,
            gpus=plan.gpus_per_node,
            instance_type=plan.instance_type,
            pool="kaito",
        )
        for c in claims(of)
    )


def pod(of: Workspace, ordinal: int = 0) -> Replica:
    return Replica(
        name=f"demo-{ordinal}",
        uid=f"pod-{ordinal}",
        revision=of.machine.revision,
        started=True,
        ready=True,
        answer=Answer.SPOKE,
    )


def serving(of: Workspace) -> Observation:
    """All that the workspace asked for is there, and its model answers."""
    assert of.machine.plan is not None
    return Observation(
        at=NOW + timedelta(seconds=1),
        claims=claims(of),
        nodes=nodes(of),
        workload=Workload(revision=of.machine.revision, replicas=of.machine.plan.node_count),
        replicas=tuple(pod(of, n) for n in range(of.machine.plan.node_count)),
        services=service_names(of.ref),
    )


def nothing() -> Observation:
    return Observation(at=NOW + timedelta(seconds=1))


def later(observation: Observation, **time: float) -> Observation:
    return replace(observation, at=NOW + timedelta(**time))
