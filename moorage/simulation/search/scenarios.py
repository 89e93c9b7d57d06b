"""Reference scenarios: short courses of events, each alone, to be disturbed at every point.

They are what the exhaustive searches start from. None of them crashes anything by itself, and all
of them come to rest without faults, so that a disturbed run has an end to be compared with.
"""

from collections.abc import Mapping
from dataclasses import replace

from engine.phase import Phase
from simulator.faults.azure_vocabulary import DeletionFails, ImageUpgrade, PoolDeleted
from simulator.faults.plan import Element, FaultElement, Plan, Setting, UserElement
from simulator.faults.triggers import At, OnPhase, When
from simulator.faults.users import (
    Create,
    Delete,
    Edit,
    Force,
    GrpcHabits,
    Look,
    Recreate,
    Retry,
    Touch,
    UserAction,
)
from simulator.faults.vocabulary import (
    Conflicting,
    Fault,
    ForeignDelete,
    GpusLate,
    GpusLost,
    LaunchFails,
    LoadFails,
    ModelSilent,
    NodeSilent,
    OutOfMemory,
    PullFails,
    Quota,
    SpotEviction,
)

SEED = 1
READY = 420.0
"""Seconds from a create to Ready, a little over."""
MINUTE = 60.0
HOUR = 3600.0


def scenarios() -> Mapping[str, Plan]:
    """By name, in the order of a workspace's life."""
    return {**_BEGINNINGS, **_CHANGES, **_DELETIONS, **_ACCIDENTS, **_ON_AZURE}


def _plan(seconds: float, *elements: Element, workspaces: int = 1, watched: bool = False) -> Plan:
    """``seconds`` is how long it takes and may be disturbed; ``watched`` has a user follow it."""
    setting = Setting(
        workspaces=workspaces,
        hours=seconds / HOUR,
        schedule="in order",
        habits=GrpcHabits(resumes=8 if watched else 0),
    )
    return Plan(seed=SEED, setting=setting, elements=elements)


def _user(action: UserAction, when: When | None = None) -> UserElement:
    return UserElement(user=action, when=when or At())


def _in(phase: Phase, seconds: float = 0.0, *, nth: int = 1) -> OnPhase:
    return OnPhase(workspace=0, phase=phase.value, seconds=seconds, nth=nth)


def _befalls(fault: Fault, phase: Phase = Phase.READY, seconds: float = 5.0) -> FaultElement:
    return FaultElement(fault=fault, when=_in(phase, seconds))


_CREATE = _user(Create())
_CREATE_BY_KUBECTL = _user(Create(through="kubectl"))

_BEGINNINGS: Mapping[str, Plan] = {
    "create by gRPC": _plan(READY, _CREATE, _user(Look(), _in(Phase.READY)), watched=True),
    "create by kubectl": _plan(READY, _CREATE_BY_KUBECTL),
    "create on two nodes": _plan(READY + MINUTE, _user(Create(nodes=2))),
    "create three at once": _plan(
        READY, *(_user(Create(workspace=number)) for number in range(3)), workspaces=3
    ),
    "create what cannot be served": _plan(MINUTE, _user(Create(preset="bad"))),
    "create what cannot be served, and repair it": _plan(
        READY + MINUTE,
        _user(Create(preset="bad")),
        _user(Edit(variant=0), _in(Phase.FAILED, 20.0)),
    ),
}

_CHANGES: Mapping[str, Plan] = {
    "touch": _plan(READY + MINUTE, _CREATE, _user(Touch(), _in(Phase.READY, 5.0))),
    "edit": _plan(2 * READY, _CREATE, _user(Edit(), _in(Phase.READY, 5.0))),
    "edit while provisioning": _plan(
        READY + 2 * MINUTE, _CREATE, _user(Edit(), _in(Phase.PROVISIONING, 60.0))
    ),
    "edit while loading": _plan(2 * READY, _CREATE, _user(Edit(), _in(Phase.LOADING, 10.0))),
    "edit twice": _plan(
        2 * READY,
        _CREATE,
        _user(Edit(variant=1), _in(Phase.READY, 5.0)),
        _user(Edit(variant=2, through="kubectl"), _in(Phase.UPDATING, 0.05)),
    ),
    "edit and revert": _plan(
        2 * READY,
        _CREATE,
        _user(Edit(variant=1), _in(Phase.READY, 5.0)),
        _user(Edit(variant=0), _in(Phase.UPDATING, 20.0)),
    ),
    "edit to what cannot be served, and revert": _plan(
        2 * READY,
        _CREATE,
        _user(Edit(variant=-1), _in(Phase.READY, 5.0)),
        _user(Edit(variant=0), _in(Phase.READY, 40.0)),
    ),
}

_DELETIONS: Mapping[str, Plan] = {
    **{
        f"delete while {phase.value}": _plan(
            seconds, _CREATE_BY_KUBECTL, _user(Delete(through="kubectl"), _in(phase, after))
        )
        for phase, after, seconds in (
            (Phase.PENDING, 0.0, 2 * MINUTE),
            (Phase.PLANNING, 0.0, 3 * MINUTE),
            (Phase.PROVISIONING, 60.0, 5 * MINUTE),
            (Phase.DEPLOYING, 20.0, READY),
            (Phase.LOADING, 20.0, READY + 2 * MINUTE),
            (Phase.READY, 5.0, READY + 3 * MINUTE),
        )
    },
    "delete by gRPC": _plan(
        READY + 3 * MINUTE, _CREATE, _user(Delete(), _in(Phase.READY, 5.0)), watched=True
    ),
    "delete while Degraded": _plan(
        READY + 5 * MINUTE,
        _CREATE,
        _befalls(NodeSilent(seconds=600.0)),
        _user(Delete(), _in(Phase.DEGRADED, 5.0)),
    ),
    "delete while Updating": _plan(
        READY + 4 * MINUTE,
        _CREATE,
        _user(Edit(), _in(Phase.READY, 5.0)),
        _user(Delete(), _in(Phase.UPDATING, 20.0)),
    ),
    "delete while Failed": _plan(
        8 * MINUTE,
        _CREATE,
        _befalls(Quota(), Phase.PENDING, 0.0),
        _user(Delete(), _in(Phase.FAILED, 20.0)),
    ),
    "recreate": _plan(2 * READY + 3 * MINUTE, _CREATE, _user(Recreate(), _in(Phase.READY, 5.0))),
    "recreate while Provisioning": _plan(
        2 * READY, _CREATE, _user(Recreate(), _in(Phase.PROVISIONING, 60.0))
    ),
    "force, and create again": _plan(
        2 * READY + 3 * MINUTE, _CREATE, _user(Force(), _in(Phase.READY, 5.0))
    ),
}

_ACCIDENTS: Mapping[str, Plan] = {
    "quota, then retry": _plan(
        2 * READY,
        _CREATE,
        _befalls(Quota(), Phase.PENDING, 0.0),
        _user(Retry(), _in(Phase.FAILED, 30.0)),
    ),
    "launch fails": _plan(2 * READY, _CREATE, _befalls(LaunchFails(), Phase.PENDING, 0.0)),
    "spot eviction": _plan(2 * READY + 2 * MINUTE, _CREATE, _befalls(SpotEviction())),
    "node silent": _plan(READY + 10 * MINUTE, _CREATE, _befalls(NodeSilent(seconds=240.0))),
    "GPUs late": _plan(READY + 5 * MINUTE, _CREATE, _befalls(GpusLate(), Phase.PENDING, 0.0)),
    "GPUs lost": _plan(READY + 5 * MINUTE, _CREATE, _befalls(GpusLost(seconds=120.0))),
    "images cannot be pulled": _plan(
        READY + 5 * MINUTE, _CREATE, _befalls(PullFails(), Phase.DEPLOYING, 0.0)
    ),
    "model does not load": _plan(
        READY + 5 * MINUTE, _CREATE, _befalls(LoadFails(), Phase.DEPLOYING, 0.0)
    ),
    "out of memory": _plan(READY + 4 * MINUTE, _CREATE, _befalls(OutOfMemory())),
    "model silent": _plan(READY + 5 * MINUTE, _CREATE, _befalls(ModelSilent())),
    "Service deleted": _plan(READY + MINUTE, _CREATE, _befalls(ForeignDelete(kind="Service"))),
    "StatefulSet deleted": _plan(
        READY + 5 * MINUTE, _CREATE, _befalls(ForeignDelete(kind="StatefulSet"))
    ),
    "node claim deleted": _plan(
        2 * READY + 2 * MINUTE, _CREATE, _befalls(ForeignDelete(kind="NodeClaim"))
    ),
    "foreign writers": _plan(
        READY + MINUTE,
        _CREATE,
        _befalls(Conflicting(writes="annotation", times=3), Phase.PENDING, 0.0),
    ),
}

READY_ON_AZURE = 560.0
"""AKS takes longer than Karpenter does: it is asked how things stand, and tells nobody."""


def _on_azure(seconds: float, *elements: Element, workspaces: int = 1) -> Plan:
    """Nodes come from our own node engine."""
    plan = _plan(seconds, *elements, workspaces=workspaces)
    return replace(plan, setting=replace(plan.setting, provisioner="moorage"))


_ON_AZURE: Mapping[str, Plan] = {
    "create on Azure": _on_azure(READY_ON_AZURE, _CREATE),
    "create on two nodes of Azure": _on_azure(READY_ON_AZURE, _user(Create(nodes=2))),
    "delete on Azure": _on_azure(
        READY_ON_AZURE + 6 * MINUTE, _CREATE, _user(Delete(), _in(Phase.READY, 5.0))
    ),
    "delete while the agent pool is made": _on_azure(
        10 * MINUTE, _CREATE, _user(Delete(), _in(Phase.PROVISIONING, 60.0))
    ),
    "quota refuses on Azure": _on_azure(
        10 * MINUTE,
        _CREATE,
        _befalls(Quota(), Phase.PENDING, 0.0),
        _user(Retry(), _in(Phase.FAILED, 20.0)),
    ),
    "a pool fails late": _on_azure(
        READY_ON_AZURE + 10 * MINUTE,
        _CREATE,
        _befalls(LaunchFails(), Phase.PENDING, 0.0),
        _user(Retry(), _in(Phase.FAILED, 20.0)),
    ),
    "spot eviction on Azure": _on_azure(2 * READY_ON_AZURE, _CREATE, _befalls(SpotEviction())),
    "a pool is deleted by somebody": _on_azure(
        2 * READY_ON_AZURE, _CREATE, _befalls(PoolDeleted())
    ),
    "a pool that will not be drained": _on_azure(
        READY_ON_AZURE + 20 * MINUTE,
        _CREATE,
        _befalls(DeletionFails()),
        _user(Delete(), _in(Phase.READY, 10.0)),
    ),
    "AKS upgrades the image": _on_azure(
        READY_ON_AZURE + 15 * MINUTE, _CREATE, _befalls(ImageUpgrade())
    ),
}
