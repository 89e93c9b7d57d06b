"""All claims together: each has its driver, and pools that are nobody's are swept."""

from dataclasses import replace

import pytest

from engine.errors import Unreachable
from engine.nodes.action import CreateAgentPool
from engine.nodes.claim import NodeClaim, NodeClaimRef
from engine.nodes.claims import NodeClaims
from engine.nodes.phase import NodePhase
from engine.setback import Setback
from tests.engine.nodes.scenes import NAME, UID, claim, pool
from tests.engine.nodes.worlds import KeptClaims, ShownWorld
from tests.engine.worlds import StillClock


class Told:
    """A report that keeps what it is told."""

    def __init__(self) -> None:
        self.phases: list[NodePhase] = []

    async def passed(self, of: NodeClaim, /) -> None:
        self.phases.append(of.machine.history[-1].destination)

    async def set_back(self, of: NodeClaim, setback: Setback, /) -> None:
        raise AssertionError(setback)


def claims(store: KeptClaims, world: ShownWorld, told: Told | None = None) -> NodeClaims:
    return NodeClaims(store=store, world=world, clock=StillClock(), report=told or Told())


async def test_a_pool_without_a_claim_is_deleted_at_the_second_sweep():
    lost, kept = pool(name="lost", owner="gone"), pool()
    world = ShownWorld(lost, kept)
    sweeping = claims(KeptClaims(claim(NodePhase.READY)), world)
    await sweeping.sweep()
    assert set(world.pools) == {"lost", NAME}
    await sweeping.sweep()
    assert set(world.pools) == {NAME}


async def test_a_claim_that_was_made_again_under_its_name_does_not_keep_the_former_ones_pool():
    former = pool(owner="former")
    assert former.name == NAME
    world = ShownWorld(former)
    sweeping = claims(KeptClaims(claim(NodePhase.LAUNCHING)), world)
    await sweeping.sweep()
    await sweeping.sweep()
    assert world.pools == {}


async def test_a_pool_whose_claim_came_between_two_sweeps_is_kept():
    store, world = KeptClaims(), ShownWorld(pool(owner=UID))
    sweeping = claims(store, world)
    await sweeping.sweep()
    store.held[NodeClaimRef(name=NAME)] = claim(NodePhase.LAUNCHING)
    await sweeping.sweep()
    assert set(world.pools) == {NAME}


async def test_a_cloud_that_cannot_be_asked_suspects_nobody():
    world = ShownWorld(pool(owner="gone"))
    world.silent = True
    sweeping = claims(KeptClaims(), world)
    with pytest.raises(Unreachable):
        await sweeping.sweep()
    world.silent = False
    await sweeping.sweep()
    assert set(world.pools) == {NAME}


async def test_a_driver_saves_a_phase_before_it_acts_on_it():
    of = replace(claim(NodePhase.REQUESTED), finalizer_held=True)
    store, world, told = KeptClaims(of), ShownWorld(), Told()
    saved_when_asked = []

    async def perform(_: NodeClaim, action) -> None:
        saved_when_asked.append((type(action), store.held[of.ref].machine.phase))
        del store.held[of.ref]

    world.perform = perform
    await claims(store, world, told).driver(of.ref).run()
    assert saved_when_asked[0] == (CreateAgentPool, NodePhase.LAUNCHING)
    assert told.phases == [NodePhase.LAUNCHING]


async def test_what_is_listed_and_what_changes_are_names():
    of = claim(NodePhase.READY)
    fleet = claims(KeptClaims(of), ShownWorld(pool()))
    assert await fleet.listed() == ([of.ref], "1")
    assert [ref async for ref in fleet.changed("1")] == [of.ref]
    assert [ref async for ref in fleet.concerned()] == [of.ref]
