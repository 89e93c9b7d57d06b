"""The machines behind agent pools, as Kubernetes sees them come, live and go."""

import asyncio

from tests.simulator.azure.azure_world import A100, play


def test_a_pools_node_comes_with_its_labels_and_taints_and_gpus_later():
    async def scenario(world):
        await world.create(
            properties={"nodeTaints": ["sku=gpu:NoSchedule"], "nodeLabels": {"a.b/c": "d"}}
        )
        await asyncio.sleep(190)
        assert world.nodes() == []
        await asyncio.sleep(11)
        node = world.node()
        labels = node["metadata"]["labels"]
        assert labels["agentpool"] == labels["kubernetes.azure.com/agentpool"] == "ws0"
        assert labels["node.kubernetes.io/instance-type"] == A100
        assert labels["accelerator"] == "nvidia"
        assert labels["a.b/c"] == "d"
        assert {"key": "sku", "value": "gpu", "effect": "NoSchedule"} in node["spec"]["taints"]
        assert "providerID" not in node["spec"]
        assert world.gpus() == "none"
        await asyncio.sleep(6)
        assert world.node()["spec"]["providerID"].endswith("-vmss/virtualMachines/0")
        await asyncio.sleep(40)
        assert world.gpus() == "1"
        assert world.ready(world.node()) == "True"

    play(scenario)
