"""Node claims that were there and are there no more: each gets a successor under a new name.

A provisioner deletes claims that it gives up, people delete them, and machines are lost. None of
this fails a workspace, as long as the successors come up before its phase's deadline.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from itertools import chain, repeat

from engine import guards
from engine.action import node_claim_names
from engine.observation import Observation
from engine.phase import CLAIMING
from engine.workspace import MachineState, Plan, Workspace

REPLACE_AFTER = timedelta(seconds=30)
"""The least time between two replacements: claims that die at once make no storm."""


def vanished(workspace: Workspace, present: Collection[str]) -> tuple[str, ...]:
    """The wanted claims that were seen once and are not among those ``present``.

    Whoever reads a copy of the cluster looks past it for these: a copy may lag.
    """
    state = workspace.machine
    if state.plan is None or state.phase not in CLAIMING:
        return ()
    names = node_claim_names(workspace, state.plan)
    return tuple(name for name in names if name in state.claims_seen and name not in present)


def succession(workspace: Workspace, observation: Observation) -> MachineState:
    """The state with what was now seen of the wanted claims, and successors for the lost ones."""
    state, plan = workspace.machine, workspace.machine.plan
    if plan is None or state.phase not in CLAIMING:
        return state
    lost = _lost(workspace, observation)
    if lost and _due(state, observation):
        state = replace(
            state,
            replacements=_counted(workspace, plan, lost),
            replaced_at=observation.at,
        )
    names = node_claim_names(replace(workspace, machine=state), plan)
    seen = {*state.claims_seen, *(claim.name for claim in observation.claims)}
    return replace(state, claims_seen=tuple(name for name in names if name in seen))


def _lost(workspace: Workspace, observation: Observation) -> frozenset[str]:
    """One that is on its way out still counts: its successor waits until it is gone."""
    present = {claim.name for claim in observation.claims}
    failed = (claim.name for claim in guards.failed_claims(workspace, observation))
    return frozenset([*vanished(workspace, present), *failed])


def _due(state: MachineState, observation: Observation) -> bool:
    return state.replaced_at is None or observation.at - state.replaced_at >= REPLACE_AFTER


def _counted(workspace: Workspace, plan: Plan, lost: Collection[str]) -> tuple[int, ...]:
    names = node_claim_names(workspace, plan)
    before = chain(workspace.machine.replacements, repeat(0))
    return tuple(count + (name in lost) for name, count in zip(names, before, strict=False))
