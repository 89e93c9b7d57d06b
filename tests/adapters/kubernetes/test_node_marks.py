"""A node of the user's is one workspace's, and comes back as it was."""

import asyncio
from dataclasses import replace

import pytest

from adapters.kubernetes.errors import KubernetesRefusal
from adapters.kubernetes.kinds import NODE
from adapters.kubernetes.node_marks import NodeMarks
from engine.errors import ActionFailed
from engine.phase import Phase
from engine.workspace import WorkspaceRef
from tests.engine.scenes import workspace

ONE = workspace(Phase.PROVISIONING)
OTHER = replace(ONE, uid="another", ref=WorkspaceRef(namespace="default", name="other"))


@pytest.fixture
async def marks(objects) -> NodeMarks:
    body = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n", "labels": {"mine": "x"}}}
    await objects.create(NODE, body)
    return NodeMarks(objects)


async def labels(objects) -> dict[str, str]:
    return (await objects.get(NODE, "n"))["metadata"]["labels"]


async def test_a_node_is_taken_once_however_often_it_is_asked_for(marks, objects):
    await marks.take(ONE, ["n"])
    once = await objects.get(NODE, "n")
    await marks.take(ONE, ["n"])
    assert await objects.get(NODE, "n") == once
    assert once["metadata"]["labels"]["moorage.sh/workspace-uid"] == ONE.uid


async def test_a_node_that_is_anothers_is_refused(marks):
    await marks.take(ONE, ["n"])
    with pytest.raises(ActionFailed) as refused:
        await marks.take(OTHER, ["n"])
    assert refused.value.code == "NodeTaken"


async def test_of_two_that_take_it_at_once_one_gets_it(marks, objects):
    outcomes = await asyncio.gather(
        marks.take(ONE, ["n"]), marks.take(OTHER, ["n"]), return_exceptions=True
    )
    (lost,) = [outcome for outcome in outcomes if outcome is not None]
    assert isinstance(lost, ActionFailed | KubernetesRefusal)
    winner = ONE if outcomes[0] is None else OTHER
    assert (await labels(objects))["moorage.sh/workspace-uid"] == winner.uid


async def test_a_node_is_given_back_as_it_was_and_only_by_its_own_workspace(marks, objects):
    await marks.take(ONE, ["n"])
    await marks.release(OTHER.uid, ["n"])
    assert (await labels(objects))["moorage.sh/workspace-uid"] == ONE.uid
    await marks.release(ONE.uid, ["n", "gone"])
    assert await labels(objects) == {"mine": "x"}
