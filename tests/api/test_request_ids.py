"""A change that is sent twice happens once, whatever becomes of its callers."""

import asyncio

import pytest

from api.errors import RequestIdReused
from api.request_ids import RequestIds
from api.v1 import workspace_pb2 as pb
from api.v1 import workspace_service_pb2 as service
from engine.errors import Unreachable

REQUEST = service.DeleteWorkspaceRequest(name="a", request_id="r")


class Counting:
    """A change that counts how often it happens; each waits for ``allowed``."""

    def __init__(self) -> None:
        self.times = 0
        self.allowed = asyncio.Event()
        self.entered = asyncio.Event()

    async def __call__(self) -> service.DeleteWorkspaceResponse:
        self.times += 1
        self.entered.set()
        await self.allowed.wait()
        return service.DeleteWorkspaceResponse(workspace=pb.Workspace(generation=self.times))


async def test_while_the_first_is_under_way_others_wait_for_its_answer():
    ids, change = RequestIds(), Counting()
    callers = [asyncio.create_task(ids.once("r", REQUEST, change)) for _ in range(5)]
    await change.entered.wait()
    change.allowed.set()
    assert {answer.workspace.generation for answer in await asyncio.gather(*callers)} == {1}


async def test_without_an_id_every_change_happens():
    ids, change = RequestIds(), Counting()
    change.allowed.set()
    for _ in range(2):
        await ids.once("", REQUEST, change)
    assert change.times == 2


async def test_a_change_whose_caller_left_is_finished_and_its_answer_kept():
    ids, change = RequestIds(), Counting()
    caller = asyncio.create_task(ids.once("r", REQUEST, change))
    await change.entered.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    again = asyncio.create_task(ids.once("r", REQUEST, change))
    await asyncio.sleep(0)
    change.allowed.set()
    assert (await again).workspace.generation == 1
    assert (await ids.once("r", REQUEST, change)).workspace.generation == 1


async def test_closing_ends_what_is_under_way():
    ids, change = RequestIds(), Counting()
    caller = asyncio.create_task(ids.once("r", REQUEST, change))
    await change.entered.wait()
    await ids.close()
    with pytest.raises(asyncio.CancelledError):
        await caller


async def test_all_who_wait_for_a_failing_change_get_its_error():
    ids = RequestIds()

    async def fails() -> service.DeleteWorkspaceResponse:
        await asyncio.sleep(0)
        raise Unreachable

    callers = [asyncio.create_task(ids.once("r", REQUEST, fails)) for _ in range(3)]
    outcomes = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Unreachable] * 3


async def test_a_failure_is_not_remembered():
    ids, change = RequestIds(), Counting()
    change.allowed.set()

    async def fails() -> service.DeleteWorkspaceResponse:
        raise Unreachable

    with pytest.raises(Unreachable):
        await ids.once("r", REQUEST, fails)
    other = service.DeleteWorkspaceRequest(name="b", request_id="r")
    assert (await ids.once("r", other, change)).workspace.generation == 1


async def test_another_body_is_refused_also_while_the_first_is_under_way():
    ids, change = RequestIds(), Counting()
    first = asyncio.create_task(ids.once("r", REQUEST, change))
    await change.entered.wait()
    other = service.DeleteWorkspaceRequest(name="b", request_id="r")
    with pytest.raises(RequestIdReused):
        await ids.once("r", other, change)
    change.allowed.set()
    await first
    with pytest.raises(RequestIdReused):
        await ids.once("r", other, change)


async def test_another_kind_of_request_is_another_body():
    ids, change = RequestIds(), Counting()
    change.allowed.set()
    await ids.once("r", service.GetWorkspaceRequest(name="a"), change)
    with pytest.raises(RequestIdReused):
        await ids.once("r", service.ExplainWorkspaceRequest(name="a"), change)


async def test_the_oldest_answers_are_forgotten_beyond_the_bound():
    ids, change = RequestIds(remembered=2), Counting()
    change.allowed.set()
    for request_id in "abc":
        await ids.once(request_id, REQUEST, change)
    assert (await ids.once("c", REQUEST, change)).workspace.generation == 3
    assert (await ids.once("a", REQUEST, change)).workspace.generation == 4


async def test_large_answers_are_forgotten_sooner():
    ids, times = RequestIds(remembered_bytes=250), 0

    async def bulky() -> service.DeleteWorkspaceResponse:
        nonlocal times
        times += 1
        return service.DeleteWorkspaceResponse(workspace=pb.Workspace(message="x" * 100))

    for request_id in ("a", "b", "c", "c", "b", "a"):
        await ids.once(request_id, REQUEST, bulky)
    assert times == 4
