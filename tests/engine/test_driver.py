"""One driver: saves before it acts, starts over when it is stale, ends when its workspace does."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from engine import driver as driver_module
from engine.driver import Driver, retry_seconds
from engine.errors import Refused, Stale, Unreachable
from engine.phase import Phase
from engine.step import turn
from tests.engine.scenes import nothing, serving, workspace
from tests.engine.worlds import Diary, OneStore, ScriptedWorld, StillClock, Told


class Stage:
    def __init__(self, of, seen) -> None:
        self.diary = Diary()
        self.of = of
        self.store = OneStore(self.diary, of)
        self.world = ScriptedWorld(self.diary, seen)
        self.told = Told()
        self.driver = Driver(
            of.ref,
            step=turn,
            store=self.store,
            world=self.world,
            clock=StillClock(),
            report=self.told,
        )

    @property
    def phase(self) -> Phase:
        return self.store.held[self.of.ref].machine.phase

    @asynccontextmanager
    async def running(self):
        task = asyncio.create_task(self.driver.run())
        yield task
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(question) -> None:
    async with asyncio.timeout(2):
        while not question():  # noqa: ASYNC110 - the question is not an event of ours
            await asyncio.sleep(0)


async def test_it_saves_before_it_acts():
    stage = Stage(workspace(Phase.PLANNING), nothing())
    async with stage.running():
        await until(lambda: "do EnsureNodeClaims" in stage.diary.entries)
    saved = stage.diary.entries.index("save Provisioning")
    assert saved < stage.diary.entries.index("do EnsureNodeClaims")


async def test_it_goes_on_at_once_where_the_machine_moved():
    stage = Stage(replace(workspace(Phase.PENDING), finalizer_held=True), nothing())
    async with stage.running():
        await until(lambda: stage.phase is Phase.PROVISIONING)
    assert [passage.destination for passage in stage.told.passages] == [
        Phase.PLANNING,
        Phase.PROVISIONING,
    ]


async def test_it_wakes_when_it_is_told_of_a_change():
    stage = Stage(workspace(Phase.LOADING), nothing())
    async with stage.running():
        await until(lambda: stage.diary.entries)
        stage.world.seen = serving(stage.of)
        stage.driver.wake()
        await until(lambda: stage.phase is Phase.READY)


async def test_it_does_not_write_what_did_not_change():
    stage = Stage(workspace(Phase.READY), serving(workspace(Phase.READY)))
    async with stage.running():
        await until(lambda: stage.diary.entries)
        for _ in range(5):
            stage.driver.wake()
            await asyncio.sleep(0.01)
    assert stage.diary.entries == ["save Ready"]


async def test_it_starts_over_when_somebody_else_wrote():
    stage = Stage(workspace(Phase.LOADING), serving(workspace(Phase.LOADING)))
    save, crossed = stage.store.save, []

    async def crossed_once(changed):
        if not crossed:
            crossed.append(stage.store.put(replace(stage.of, labels={"a": "b"})))
            raise Stale(str(changed.ref))
        return await save(changed)

    stage.store.save = crossed_once
    async with stage.running():
        await until(lambda: stage.phase is Phase.READY)
    assert stage.store.held[stage.of.ref].labels == {"a": "b"}


async def test_a_failed_action_is_told_and_asked_again(monkeypatch):
    monkeypatch.setattr(driver_module, "FIRST_RETRY_SECONDS", 0.01)
    stage = Stage(workspace(Phase.PROVISIONING), nothing())
    stage.world.failing = {"EnsureNodeClaims"}
    async with stage.running():
        await until(lambda: stage.diary.entries.count("do EnsureNodeClaims") > 2)
    told = stage.store.held[stage.of.ref].machine.message
    assert "not allowed" in told
    assert stage.told.setbacks[0].code == "Forbidden"


async def test_it_ends_when_its_workspace_is_gone():
    stage = Stage(workspace(Phase.DELETING), nothing())
    async with stage.running() as task:
        await until(lambda: "do ReleaseFinalizer" in stage.diary.entries)
        stage.store.drop(stage.of.ref)
        stage.driver.wake()
        async with asyncio.timeout(2):
            await task


def three_times(error, then):
    """Raises ``error`` so often, and from then on does what it stands for."""
    asked = []

    async def failing(of):
        asked.append(of)
        if len(asked) < 4:
            raise error
        return await then(of)

    return failing


async def test_a_store_that_refuses_a_write_is_asked_again(monkeypatch):
    """A webhook of somebody else's may deny it, for a while."""
    monkeypatch.setattr(driver_module, "FIRST_RETRY_SECONDS", 0.001)
    stage = Stage(workspace(Phase.LOADING), serving(workspace(Phase.LOADING)))
    stage.store.save = three_times(Refused("not now"), stage.store.save)
    async with stage.running():
        await until(lambda: stage.phase is Phase.READY)


async def test_an_unreachable_world_is_asked_again(monkeypatch):
    monkeypatch.setattr(driver_module, "FIRST_RETRY_SECONDS", 0.001)
    stage = Stage(workspace(Phase.LOADING), serving(workspace(Phase.LOADING)))
    stage.world.observe = three_times(Unreachable("no route"), stage.world.observe)
    async with stage.running():
        await until(lambda: stage.phase is Phase.READY)


@pytest.mark.parametrize(("failures", "seconds"), [(1, 1), (2, 2), (4, 8), (6, 30), (1000, 30)])
def test_pauses_double_up_to_a_limit(failures, seconds):
    assert retry_seconds(failures) == seconds
