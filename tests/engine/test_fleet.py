"""Many drivers: one a workspace, started when it is heard of, independent of one another."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace

from engine import driver as driver_module
from engine import fleet as fleet_module
from engine.fleet import Fleet
from engine.observation import Holding
from engine.phase import Phase
from engine.workspace import WorkspaceRef
from engine.workspaces import Workspaces
from tests.engine.scenes import nothing, serving, workspace
from tests.engine.test_driver import until
from tests.engine.worlds import Diary, OneStore, ScriptedWorld, StillClock, Told


def named(name: str, phase: Phase):
    return replace(workspace(phase), ref=WorkspaceRef(namespace="default", name=name))


class Stage:
    def __init__(self, *workspaces) -> None:
        diary = Diary()
        self.store = OneStore(diary, *workspaces)
        self.world = ScriptedWorld(diary, nothing())
        workspaces = Workspaces(
            store=self.store, world=self.world, clock=StillClock(), report=Told()
        )
        self.fleet = Fleet(workspaces)

    def phases(self) -> dict[str, Phase]:
        return {ref.name: held.machine.phase for ref, held in self.store.held.items()}

    @asynccontextmanager
    async def running(self):
        task = asyncio.create_task(self.fleet.run())
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_workspaces_that_were_there_are_driven():
    stage = Stage(named("a", Phase.PLANNING), named("b", Phase.PLANNING))
    async with stage.running():
        await until(lambda: set(stage.phases().values()) == {Phase.PROVISIONING})


async def test_a_workspace_that_comes_later_is_driven():
    stage = Stage()
    async with stage.running():
        await asyncio.sleep(0)
        stage.store.put(named("late", Phase.PLANNING))
        await until(lambda: stage.phases() == {"late": Phase.PROVISIONING})


async def test_a_change_in_the_cluster_wakes_just_its_workspace():
    a, b = named("a", Phase.LOADING), named("b", Phase.LOADING)
    stage = Stage(a, b)
    async with stage.running():
        await asyncio.sleep(0.05)
        stage.world.show(a.ref, serving(a))
        await until(lambda: stage.phases()["a"] is Phase.READY)
        assert stage.phases()["b"] is Phase.LOADING


async def test_a_defect_in_one_driver_leaves_the_others_alone(monkeypatch, caplog):
    monkeypatch.setattr(driver_module, "FIRST_RETRY_SECONDS", 0.001)
    bad, good = named("bad", Phase.PLANNING), named("good", Phase.PLANNING)
    stage = Stage(bad, good)
    observe = stage.world.observe

    async def defective(of):
        if of.ref == bad.ref:
            raise RuntimeError("a defect of ours")
        return await observe(of)

    stage.world.observe = defective
    async with stage.running():
        await until(lambda: stage.phases()["good"] is Phase.PROVISIONING)
        stage.world.observe = observe
        await until(lambda: stage.phases()["bad"] is Phase.PROVISIONING)
    assert "default/bad: its driver failed" in caplog.text


async def test_a_workspace_made_again_under_its_name_is_driven():
    old = named("again", Phase.DELETING)
    stage = Stage(old)
    async with stage.running():
        await asyncio.sleep(0.01)
        stage.store.drop(old.ref)
        stage.store.put(replace(named("again", Phase.PLANNING), uid="another"))
        await until(lambda: stage.phases() == {"again": Phase.PROVISIONING})


async def test_node_claims_that_nobody_owns_are_swept(monkeypatch):
    monkeypatch.setattr(fleet_module, "SWEEP_SECONDS", 0.0)
    stage = Stage(named("a", Phase.READY))
    living = stage.store.held[WorkspaceRef(namespace="default", name="a")].uid
    stage.world.claims = [
        Holding(name="kept", uid="1", workspace_uid=living),
        Holding(name="left", uid="2", workspace_uid="gone"),
    ]
    async with stage.running():
        await until(lambda: stage.world.released == {"left"})
