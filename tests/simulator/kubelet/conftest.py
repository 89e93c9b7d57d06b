from collections.abc import AsyncIterator

import pytest

from simulator.address_block import AddressBlock, take_block
from tests.simulator.kubelet.small_cluster import Cluster, running_cluster


@pytest.fixture(scope="session")
def address_block(tmp_path_factory) -> AddressBlock:
    block = take_block(tmp_path_factory.mktemp("block"))
    yield block
    block.release()


@pytest.fixture
async def cluster(tmp_path, address_block) -> AsyncIterator[Cluster]:
    async with running_cluster(tmp_path, address_block.number) as running:
        running.node("local")
        running.node("simulated")
        yield running
