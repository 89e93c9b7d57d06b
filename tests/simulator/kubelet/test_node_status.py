import asyncio
from dataclasses import replace
from itertools import count

from simulator.controllers.conditions import find_condition
from simulator.fate import GoodFortune
from simulator.history import History
from simulator.virtual_cluster import CLOUD_TIMINGS, VirtualCluster
from simulator.virtual_time.clock import VirtualClock
from simulator.virtual_time.event_loop import run_virtually


def ready(cluster):
    condition = find_condition(cluster.api_server.get("Node", "n0"), "Ready")
    return condition["status"], condition["reason"]


def test_a_node_is_ready_once_its_network_is_up():
    async def scenario():
        uids = count(1)
        cluster = VirtualCluster(
            clock=VirtualClock(asyncio.get_running_loop()),
            new_uid=lambda: f"uid-{next(uids)}",
            history=History(),
            fate=GoodFortune(),
            timings=replace(CLOUD_TIMINGS, node_readiness=20.0),
        )
        cluster.start()
        cluster.api_server.create(
            {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n0"}, "spec": {}}
        )
        await asyncio.sleep(19)
        assert ready(cluster) == ("False", "KubeletNotReady")
        await asyncio.sleep(2)
        assert ready(cluster) == ("True", "KubeletReady")

    run_virtually(scenario())
