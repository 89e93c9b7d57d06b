"""One step of a workspace's machine: values in, values out.

The observation carries its own instant, so nothing here asks what time it is; the actions are what
the new phase asks of the world, to be performed after the new state is saved.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from engine import guards
from engine.action import Action, workload_revision
from engine.conditions import conditions
from engine.deadlines import deadline, wake_at
from engine.duties import duties
from engine.lifecycle import legal, next_phase
from engine.observation import NodeClaim, Observation
from engine.offerings import choose, unfit
from engine.own_nodes import chosen, recruited
from engine.phase import Phase
from engine.replacement import succession
from engine.setback import Setback
from engine.standing import failure, standing
from engine.stepping import Step
from engine.trigger import Trigger
from engine.workspace import MachineState, Offering, OfferingRefusal, Passage, Plan, Workspace

HISTORY_LENGTH = 32


def pending_trigger(workspace: Workspace) -> Trigger:
    """A command waits in the resource itself, so that it survives whoever was to carry it out."""
    return Trigger.RETRY if workspace.retry_requested else Trigger.OBSERVE


def turn(
    workspace: Workspace, seen: Observation, setbacks: Sequence[Setback]
) -> Step[Workspace, Action]:
    """The step that the workspace's driver takes now."""
    observation = replace(seen, setbacks=tuple(setbacks))
    return step(workspace, pending_trigger(workspace), observation)


def step(
    workspace: Workspace, trigger: Trigger, observation: Observation
) -> Step[Workspace, Action]:
    """Where the workspace goes from here, what it asks of the world, and when it looks again."""
    workspace = _bounded(workspace, observation.at)
    if trigger is Trigger.RETRY:
        workspace = _retry_handled(workspace)
        if not legal(trigger, workspace.machine.phase):
            trigger = Trigger.OBSERVE
    phase = next_phase(workspace, trigger, observation)
    moved = workspace
    if phase is not workspace.machine.phase:
        moved = _enter(workspace, phase, observation)
    settled = _settle(moved, observation)
    return Step(
        next=settled,
        actions=duties(settled, observation),
        wake_at=wake_at(settled, observation.at)
        if phase is workspace.machine.phase
        else observation.at,
    )


def _bounded(workspace: Workspace, now: datetime) -> Workspace:
    """A workspace that no machine has stepped yet waits from now on, and not for ever.

    Not from its creation, where that is past: it may have come while every engine was away.
    """
    state = workspace.machine
    if state.deadline is not None:
        return workspace
    limit = deadline(workspace, state.phase, max(state.since, now))
    return replace(workspace, machine=replace(state, deadline=limit))


def _retry_handled(workspace: Workspace) -> Workspace:
    state = replace(workspace.machine, handled_retry=workspace.retry_requested)
    return replace(workspace, machine=state)


def _enter(workspace: Workspace, phase: Phase, observation: Observation) -> Workspace:
    """The state on arrival: what the phase remembers anew, why it was entered, and when."""
    arrival = _ARRIVALS.get(phase)
    state = arrival(workspace, observation) if arrival is not None else workspace.machine
    entered = replace(workspace, machine=state)
    told = (
        failure(workspace, observation)
        if phase is Phase.FAILED
        else standing(replace(entered, machine=replace(state, phase=phase)), observation)
    )
    passage = Passage(
        source=workspace.machine.phase,
        destination=phase,
        at=observation.at,
        reason=told.reason,
        message=told.message,
    )
    return replace(
        entered,
        machine=replace(
            state,
            phase=phase,
            since=observation.at,
            deadline=deadline(entered, phase, observation.at),
            reason=told.reason,
            message=told.message,
            remedy=told.remedy,
            history=(*state.history, passage)[-HISTORY_LENGTH:],
        ),
    )


def _provisioned_for(workspace: Workspace, observation: Observation) -> MachineState:
    """The offering in turn, or the first one after it that serves; on own nodes where there are."""
    state = workspace.machine
    choice = choose(workspace.spec, state.candidate)
    if choice is None:
        return state
    candidate, made = choice
    made = replace(made, provisioner=observation.provisioner)
    return replace(
        _planned(workspace, made),
        own_nodes=chosen(workspace, observation, made),
        candidate=candidate,
        refused=(*state.refused, *unfit(workspace.spec, state.candidate, candidate)),
    )


def _updated(workspace: Workspace, _: Observation) -> MachineState:
    made, plan = guards.plan_in_use(workspace), workspace.machine.plan
    if not isinstance(made, Plan):
        return workspace.machine
    return _planned(workspace, replace(made, provisioner=plan.provisioner) if plan else made)


def _planned(workspace: Workspace, made: Plan) -> MachineState:
    return replace(
        workspace.machine,
        plan=made,
        revision=workload_revision(workspace.spec, made),
        planned_generation=workspace.generation,
    )


def _judged(workspace: Workspace, _: Observation) -> MachineState:
    """A failure is about this generation: only another one, or a retry, begins anew."""
    return replace(workspace.machine, planned_generation=workspace.generation)


def _planning(workspace: Workspace, observation: Observation) -> MachineState:
    """From a failure with a clean slate; from a refused offering on to the next.

    Otherwise as it was, unless the list of what is accepted was exchanged under way.
    """
    state, plan = workspace.machine, workspace.machine.plan
    if state.phase is Phase.FAILED:
        return replace(_unclaimed(state), attempt=state.attempt + 1, candidate=0, refused=())
    scarce = guards.scarce_claims(workspace, observation)
    if plan is not None and scarce and state.phase is Phase.PROVISIONING:
        return _fallen_back(state, plan.offering, scarce[0])
    if plan is not None and guards.offering_in_turn(workspace) != plan.offering:
        return replace(_unclaimed(state), attempt=state.attempt + 1)
    return state


def _fallen_back(state: MachineState, offering: Offering, claim: NodeClaim) -> MachineState:
    refusal = OfferingRefusal(offering=offering, reason=claim.reason, message=claim.message)
    return replace(
        _unclaimed(state), candidate=state.candidate + 1, refused=(*state.refused, refusal)
    )


def _unclaimed(state: MachineState) -> MachineState:
    """As before any node was chosen, and any claim of the names to come asked for."""
    return replace(state, replacements=(), replaced_at=None, claims_seen=(), own_nodes=())


_ARRIVALS: Mapping[Phase, Callable[[Workspace, Observation], MachineState]] = {
    Phase.PLANNING: _planning,
    Phase.PROVISIONING: _provisioned_for,
    Phase.UPDATING: _updated,
    Phase.FAILED: _judged,
}
"""What the machine remembers anew on arriving in a phase; elsewhere it keeps what it has."""


def _settle(workspace: Workspace, observation: Observation) -> Workspace:
    """What is told of the present phase, brought up to what was observed."""
    workspace = replace(workspace, machine=recruited(workspace, observation))
    workspace = replace(workspace, machine=succession(workspace, observation))
    told = standing(workspace, observation)
    state = replace(
        workspace.machine,
        reason=told.reason,
        message=told.message,
        waiting_for=told.waiting_for,
        remedy=told.remedy,
        silent_since=_silent_since(workspace, observation),
        worker_nodes=tuple(sorted(n.name for n in guards.wanted_nodes(workspace, observation))),
        endpoints=observation.endpoints,
        conditions=conditions(workspace, observation, told),
    )
    return replace(workspace, machine=state)


def _silent_since(workspace: Workspace, observation: Observation) -> datetime | None:
    if not guards.silent_replicas(workspace, observation):
        return None
    return workspace.machine.silent_since or observation.at
