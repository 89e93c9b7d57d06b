"""What drivers report becomes Events on the objects they drive."""

from datetime import datetime

import pytest

from adapters.kubernetes.events import MESSAGE_LENGTH, KubernetesEvents, NodeClaimEvents
from adapters.kubernetes.kinds import EVENT
from adapters.kubernetes.objects import KubernetesObjects
from engine.nodes.phase import NodePhase
from engine.phase import Phase
from engine.setback import Setback
from engine.step import pending_trigger, step
from tests.engine.nodes.scenes import claim, failed_pool, nothing, stepped, working
from tests.engine.scenes import NOW, workspace
from tests.engine.scenes import nothing as nothing_seen

SETBACK = Setback(action="CreateAgentPool", code="QuotaExceeded", message="no cores left")


class NoonClock:
    def now(self) -> datetime:
        return NOW


@pytest.fixture
def of_claims(objects: KubernetesObjects) -> NodeClaimEvents:
    return NodeClaimEvents(objects, NoonClock())


async def written(objects: KubernetesObjects) -> list[dict]:
    items, _ = await objects.list_all(EVENT)
    return items


async def test_a_claims_passage_is_an_event_on_the_claim(objects, of_claims):
    await of_claims.passed(stepped(claim(NodePhase.LAUNCHING), working()).next)
    (event,) = await written(objects)
    assert (event["type"], event["reason"]) == ("Normal", "Registering")
    about = event["involvedObject"]
    assert (about["kind"], about["name"], about["uid"]) == ("NodeClaim", "ws0a1b2c3d4", "c0ffee")
    assert about["apiVersion"] == "karpenter.sh/v1"


async def test_events_on_what_has_no_namespace_are_kept_in_the_default_one(objects, of_claims):
    await of_claims.passed(stepped(claim(NodePhase.LAUNCHING), working()).next)
    (event,) = await written(objects)
    assert event["metadata"]["namespace"] == "default"
    assert "namespace" not in event["involvedObject"]


@pytest.mark.parametrize(
    ("of", "seen"),
    [
        (claim(NodePhase.LAUNCHING), nothing(pool=failed_pool("AllocationFailed"))),
        (claim(NodePhase.READY), working(nodes=())),
    ],
    ids=["failed", "unhealthy"],
)
async def test_what_somebody_should_look_at_is_a_warning(objects, of_claims, of, seen):
    await of_claims.passed(stepped(of, seen).next)
    (event,) = await written(objects)
    assert event["type"] == "Warning"


async def test_a_setback_is_a_warning_with_azures_code(objects, of_claims):
    await of_claims.set_back(claim(NodePhase.LAUNCHING), SETBACK)
    (event,) = await written(objects)
    assert (event["type"], event["reason"]) == ("Warning", "CreateAgentPoolFailed")
    assert event["message"] == "QuotaExceeded: no cores left"


async def test_a_message_that_the_api_would_refuse_is_cut(objects, of_claims):
    long = Setback(action="CreateAgentPool", code="QuotaExceeded", message="x" * 5000)
    await of_claims.set_back(claim(NodePhase.LAUNCHING), long)
    (event,) = await written(objects)
    assert len(event["message"]) == MESSAGE_LENGTH


async def test_the_same_event_twice_at_one_instant_is_one(objects, of_claims):
    for _ in range(2):
        await of_claims.set_back(claim(NodePhase.LAUNCHING), SETBACK)
    assert len(await written(objects)) == 1


async def test_a_workspaces_passage_is_an_event_in_its_namespace(objects):
    of = workspace(Phase.PLANNING)
    moved = step(of, pending_trigger(of), nothing_seen()).next
    await KubernetesEvents(objects, NoonClock()).passed(moved)
    (event,) = await written(objects)
    assert (event["type"], event["reason"]) == ("Normal", "Provisioning")
    assert event["metadata"]["namespace"] == event["involvedObject"]["namespace"] == "default"
    assert event["involvedObject"]["kind"] == "Workspace"
