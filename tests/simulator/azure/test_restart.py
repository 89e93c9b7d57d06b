"""What the simulated Azure knows after it was killed and started again."""

import asyncio

import pytest

from simulator.azure.database import SqliteLedger
from simulator.azure.fate import CreationFate, GoodFortune
from tests.simulator.azure.azure_world import play


@pytest.fixture
def ledgers(tmp_path):
    """Opens the same file at each call."""
    return lambda: SqliteLedger(tmp_path / "azure.sqlite")


@pytest.mark.parametrize("killed_after", [1, 150, 203, 230])
def test_a_creation_goes_on_where_it_was(ledgers, killed_after):
    async def scenario(world):
        await world.create()
        await asyncio.sleep(killed_after)
        await world.restart(ledger=ledgers())
        await asyncio.sleep(300 - killed_after)
        assert (await world.state(), world.gpus()) == ("Succeeded", "1")
        assert world.ready(world.node()) == "True"

    play(scenario, ledger=ledgers())


@pytest.mark.parametrize("killed_after", [1, 100, 149])
def test_a_deletion_goes_on_where_it_was(ledgers, killed_after):
    async def scenario(world):
        await world.created()
        await world.delete()
        await asyncio.sleep(killed_after)
        await world.restart(ledger=ledgers())
        await asyncio.sleep(300)
        assert (await world.names(), world.nodes()) == ([], [])

    play(scenario, ledger=ledgers())


def test_a_lost_machines_node_still_goes(ledgers):
    async def scenario(world):
        await world.created()
        world.cloud.mishaps.lose_machine("ws0")
        await asyncio.sleep(10)
        await world.restart(ledger=ledgers())
        await asyncio.sleep(200)
        assert world.nodes() == []

    play(scenario, ledger=ledgers())


class LateOnce(GoodFortune):
    """Asked a second time, all would go well."""

    def __init__(self):
        self.delays = [1000.0]

    def of_creation(self, pool):
        return CreationFate(delay=self.delays.pop() if self.delays else 0.0)


def test_a_restart_changes_nobodys_fate(ledgers):
    async def scenario(world):
        await world.create()
        await asyncio.sleep(10)
        await world.restart(ledger=ledgers())
        await asyncio.sleep(500)
        assert await world.state() == "Creating"
        await asyncio.sleep(1000)
        assert await world.state() == "Succeeded"

    play(scenario, ledger=ledgers(), fate=LateOnce())


def test_a_killed_process_leaves_what_it_had_acknowledged(ledgers):
    async def scenario(world):
        pool = await world.create(properties={"nodeLabels": {"a": "b"}})
        before = (await world.get()).e_tag
        await world.restart(ledger=ledgers())
        after = await world.get()
        assert (after.e_tag, after.node_labels) == (before, {"a": "b"})
        assert after.provisioning_state == "Creating"
        assert pool is not None

    play(scenario, ledger=ledgers())
