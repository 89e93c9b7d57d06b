"""The store of node claims keeps its port's contract on the Kubernetes API."""

import asyncio
from dataclasses import replace

import pytest

from adapters.kubernetes.kinds import MACHINE, NODE_CLAIM
from adapters.kubernetes.node_claim_codec import STATE_ANNOTATION
from adapters.kubernetes.node_claims import KubernetesNodeClaims
from adapters.kubernetes.node_dialect import MACHINE_DIALECT
from adapters.kubernetes.objects import KubernetesObjects
from engine.errors import NotFound, Stale, WatchExpired
from engine.nodes.claim import NodeClaimRef
from engine.nodes.phase import NodePhase
from engine.nodes.reason import NodeReason
from engine.nodes.step import node_step
from tests.adapters.kubernetes.conftest import connected, simulated
from tests.adapters.kubernetes.node_claim_objects import OTHERS, SIZE, machine, node_claim
from tests.engine.nodes.scenes import working

REF = NodeClaimRef(name="ws1")


@pytest.fixture
def claims(objects: KubernetesObjects) -> KubernetesNodeClaims:
    return KubernetesNodeClaims(objects)


async def made(objects: KubernetesObjects, name: str = "ws1", **more) -> None:
    await objects.create(NODE_CLAIM, node_claim(name, **more))


def launched(claim):
    """The claim after a step that told all there is to tell."""
    there = replace(claim.machine, phase=NodePhase.LAUNCHING)
    seen = working(at=claim.created)
    pool = replace(seen.pool, name=claim.ref.name, owner=claim.uid)
    return node_step(replace(claim, machine=there), replace(seen, pool=pool)).next


async def first(refs, count: int) -> list[str]:
    found: list[str] = []
    async with asyncio.timeout(5):
        async for ref in refs:
            found.append(ref.name)
            if len(found) == count:
                break
    return found


async def test_a_new_claim_is_requested(objects, claims):
    await made(objects)
    claim = await claims.get(REF)
    assert (claim.machine.phase, claim.spec.instance_type) == (NodePhase.REQUESTED, SIZE)
    assert claim.machine.since == claim.created


async def test_the_machines_state_is_kept_and_guarded(objects, claims):
    await made(objects)
    moved = launched(await claims.get(REF))
    saved = await claims.save(moved)
    assert saved.machine == moved.machine == (await claims.get(REF)).machine
    with pytest.raises(Stale):
        await claims.save(moved)


async def test_consumers_read_it_in_the_status(objects, claims):
    await made(objects)
    await claims.save(launched(await claims.get(REF)))
    item = await objects.get(NODE_CLAIM, "ws1")
    told = {one["type"]: one["status"] for one in item["status"]["conditions"]}
    assert told["Launched"] == "True"
    assert item["status"]["nodeName"] == "aks-node-0"
    assert item["status"]["providerID"] == "azure:///0"


async def test_kubectls_columns_and_the_nodes_resources_are_filled(objects, claims):
    await made(objects)
    of = launched(await claims.get(REF))
    found = replace(of.machine, zone="westus3-1", capacity={"cpu": "6"}, allocatable={"cpu": "5"})
    saved = await claims.save(replace(of, machine=found))
    assert saved.machine == found
    item = await objects.get(NODE_CLAIM, "ws1")
    assert item["metadata"]["labels"] == {
        "apps": "phi-4",
        "node.kubernetes.io/instance-type": SIZE,
        "karpenter.sh/capacity-type": "on-demand",
        "topology.kubernetes.io/zone": "westus3-1",
    }
    assert item["status"]["capacity"] == {"cpu": "6"}
    assert item["status"]["allocatable"] == {"cpu": "5"}
    assert saved.spec == of.spec


async def test_a_state_that_only_people_do_not_see_leaves_the_status_alone(objects, claims):
    await made(objects)
    saved = await claims.save(launched(await claims.get(REF)))
    again = replace(saved, machine=replace(saved.machine, waiting_for="something else"))
    kept = await claims.save(again)
    assert int(kept.resource_version) == int(saved.resource_version) + 1
    assert kept.machine == again.machine


async def test_conditions_that_others_wrote_stay(objects, claims):
    await made(objects)
    theirs = {
        "type": "Drifted",
        "status": "True",
        "reason": "Because",
        "message": "",
        "lastTransitionTime": "2026-01-01T12:00:00Z",
    }
    patch = {"status": {"conditions": [theirs]}}
    await objects.merge(NODE_CLAIM, "ws1", "", patch, subresource="status")
    await claims.save(launched(await claims.get(REF)))
    item = await objects.get(NODE_CLAIM, "ws1")
    assert theirs in item["status"]["conditions"]


async def test_a_status_that_was_not_written_any_more_is_mended_by_the_next_save(objects, claims):
    """The engine dies between its memory and what others read."""
    await made(objects)
    saved = await claims.save(launched(await claims.get(REF)))
    stale = {"metadata": {"annotations": {STATE_ANNOTATION: None}}, "status": {"conditions": []}}
    await objects.merge(NODE_CLAIM, "ws1", "", stale, subresource="status")
    current = await claims.get(REF)
    assert current.machine.conditions == ()
    mended = await claims.save(replace(current, machine=saved.machine))
    assert mended.machine == saved.machine


async def test_a_claim_of_another_class_does_not_exist(objects, claims):
    await made(objects, reference=OTHERS)
    with pytest.raises(NotFound):
        await claims.get(REF)
    assert (await claims.listed())[0] == []


async def test_a_claim_that_is_gone_is_not_found_on_save_either(objects, claims):
    await made(objects)
    claim = await claims.get(REF)
    await objects.delete(NODE_CLAIM, "ws1")
    for call in (claims.get(REF), claims.save(launched(claim))):
        with pytest.raises(NotFound):
            await call


async def test_every_change_of_ours_is_told_by_name_and_none_of_others(objects, claims):
    _, since = await claims.listed()
    await made(objects, "others", reference=OTHERS)
    await made(objects)
    await claims.save(launched(await claims.get(REF)))
    await objects.delete(NODE_CLAIM, "ws1")
    assert set(await first(claims.changed(since), 3)) == {"ws1"}


async def test_a_revision_that_is_forgotten_is_told_as_such(tmp_path):
    database = tmp_path / "cluster.sqlite"
    earlier = simulated(database)
    async with connected(earlier) as objects:
        _, since = await KubernetesNodeClaims(objects).listed()
        await made(objects)
    earlier.close()
    later = simulated(database)
    async with connected(later) as objects:
        with pytest.raises(WatchExpired):
            await first(KubernetesNodeClaims(objects).changed(since), 1)
    later.close()


async def test_a_failed_claim_tells_its_typed_reason_to_whoever_made_it(objects, claims):
    await made(objects)
    claim = await claims.get(REF)
    unnamed = replace(claim, spec=replace(claim.spec, instance_type=""))
    await claims.save(node_step(unnamed, working(at=claim.created)).next)
    item = await objects.get(NODE_CLAIM, "ws1")
    told = {one["type"]: one for one in item["status"]["conditions"]}
    assert told["Launched"]["status"] == told["Ready"]["status"] == "False"
    assert told["Ready"]["reason"] == NodeReason.INVALID_REQUEST


async def test_machines_are_kept_as_claims_are(objects):
    store = KubernetesNodeClaims(objects, MACHINE_DIALECT)
    await made(objects)
    await objects.create(MACHINE, machine("ws1", **{"kaito.sh/workspace": "demo"}))
    await objects.create(MACHINE, machine("foreign"))
    listed, _ = await store.listed()
    assert [one.ref for one in listed] == [REF]
    saved = await store.save(launched(listed[0]))
    assert await store.get(REF) == saved
    item = await objects.get(MACHINE, "ws1")
    told = {one["type"]: one["status"] for one in item["status"]["conditions"]}
    assert told["MachineLaunched"] == "True"
    with pytest.raises(NotFound):
        await store.get(NodeClaimRef(name="foreign"))
