"""All node claims of a workspace can be read, whichever provisioner drives them."""

from dataclasses import replace

import pytest

from adapters.kubernetes.claim_reader import KubernetesNodeClaimReader
from adapters.kubernetes.kinds import CRD, NODE_CLAIM
from adapters.kubernetes.labels import owner_labels
from adapters.kubernetes.node_claims import KubernetesNodeClaims
from engine.nodes.claim import NodeClaimRef
from engine.nodes.phase import NodePhase
from engine.phase import Phase
from tests.adapters.kubernetes.node_claim_objects import OTHERS, OURS, SIZE, node_claim
from tests.engine.scenes import workspace

OF = workspace(Phase.PROVISIONING)


@pytest.fixture
def reader(objects) -> KubernetesNodeClaimReader:
    return KubernetesNodeClaimReader(objects)


async def made(objects, name: str, reference=OURS, of=OF, **labels: str) -> None:
    item = node_claim(name, reference)
    item["metadata"]["labels"] = {**owner_labels(of), **labels}
    await objects.create(NODE_CLAIM, item)


async def test_a_claim_that_our_engine_drives_is_told_with_its_machine(objects, reader):
    await made(objects, "ws1")
    claims = KubernetesNodeClaims(objects)
    claim = await claims.get(NodeClaimRef(name="ws1"))
    saved = await claims.save(
        replace(claim, machine=replace(claim.machine, phase=NodePhase.LAUNCHING))
    )
    (told,) = await reader.of_workspace(OF)
    assert (told.name, told.instance_type, told.machine) == ("ws1", SIZE, saved.machine)
    assert told.pool is not None


async def test_of_anothers_claim_the_first_condition_that_is_not_true_is_told(objects, reader):
    labels = {"node.kubernetes.io/instance-type": SIZE, "karpenter.sh/capacity-type": "spot"}
    await made(objects, "default-abcde", OTHERS, **labels)
    conditions = [
        {
            "type": kind,
            "status": status,
            "reason": reason,
            "message": f"because of {reason}",
            "lastTransitionTime": "2026-01-01T12:00:00Z",
        }
        for kind, status, reason in (
            ("Ready", "False", "UnhealthyDependents"),
            ("Registered", "Unknown", "NodeNotFound"),
            ("Launched", "True", "Launched"),
        )
    ]
    patch = {"status": {"conditions": conditions, "nodeName": "aks-1"}}
    await objects.merge(NODE_CLAIM, "default-abcde", "", patch, subresource="status")
    (told,) = await reader.of_workspace(OF)
    assert (told.reason, told.message) == ("NodeNotFound", "because of NodeNotFound")
    assert (told.instance_type, told.capacity_type, told.node) == (SIZE, "spot", "aks-1")
    assert (told.ready, told.machine, told.pool) == (False, None, None)


async def test_a_claim_that_nobody_has_looked_at_yet_has_no_machine(objects, reader):
    await made(objects, "ws1")
    (told,) = await reader.of_workspace(OF)
    assert (told.name, told.machine, told.reason) == ("ws1", None, "")


async def test_only_the_workspaces_own_claims_are_told_in_order(objects, reader):
    for name in ("ws2", "ws1"):
        await made(objects, name)
    await made(objects, "ws3", of=replace(OF, uid="another"))
    assert [told.name for told in await reader.of_workspace(OF)] == ["ws1", "ws2"]


async def test_where_the_cluster_knows_no_node_claims_there_are_none(objects, reader):
    await objects.delete(CRD, "nodeclaims.karpenter.sh")
    assert await reader.of_workspace(OF) == []
