"""How often the pools are listed, and what the copy then tells. In virtual time."""

import asyncio

from adapters.aks.pool_copy import PoolCopy
from engine.errors import Unreachable
from engine.nodes.agent_pool import AgentPool, CloudError, CloudRefused, PoolState
from simulator.virtual_time.event_loop import run_virtually


def _pool(name, state=PoolState.SUCCEEDED):
    return AgentPool(name=name, state=state)


class Pools:
    """What the next lists answer; the last answer stays. ``at`` is when they were asked for."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.at = []

    async def list(self):
        self.at.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.5)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def _watched(pools, *, seconds, during=None):
    """Runs a copy for so long; the copy, and the names that it told to have changed."""
    told = []

    async def watch():
        copy = PoolCopy(pools, on_change=told.append)
        running = asyncio.create_task(copy.run())
        acting = asyncio.create_task(during(copy)) if during else None
        await asyncio.sleep(seconds)
        for task in filter(None, (running, acting)):
            task.cancel()
        return copy

    return run_virtually(watch()), told


def _status(status, **told):
    return CloudRefused(CloudError(status=status, code="", **told))


def test_pools_at_rest_are_listed_every_two_minutes():
    pools = Pools([_pool("a"), _pool("b", PoolState.FAILED)])
    _watched(pools, seconds=300)
    assert pools.at == [0, 120.5, 241]


def test_pools_under_way_are_listed_every_half_minute():
    moving = [_pool("a"), _pool("b", PoolState.CREATING)]
    pools = Pools(moving, moving, [_pool("a"), _pool("b")])
    _watched(pools, seconds=180)
    assert pools.at == [0, 30.5, 61]


def test_whoever_wrote_has_a_list_that_began_after():
    pools = Pools([])

    async def during(copy):
        await asyncio.sleep(10)
        copy.soon()

    _watched(pools, seconds=60, during=during)
    assert pools.at == [0, 10]


def test_a_write_while_a_list_runs_asks_for_another():
    pools = Pools([])

    async def during(copy):
        await asyncio.sleep(0.2)
        copy.soon()

    _watched(pools, seconds=60, during=during)
    assert pools.at == [0, 2]


def test_many_writers_share_a_list_and_leave_half_of_the_bucket():
    pools = Pools([])

    async def during(copy):
        for _ in range(500):
            copy.soon()
            await asyncio.sleep(0.1)

    _watched(pools, seconds=50, during=during)
    assert len(pools.at) <= 26
    assert min(after - before for before, after in zip(pools.at, pools.at[1:], strict=False)) >= 2


def test_every_change_is_told_by_name_and_nothing_else():
    creating = [_pool("a"), _pool("b", PoolState.CREATING)]
    pools = Pools(creating, creating, [_pool("a"), _pool("b")], [_pool("a")])
    copy, told = _watched(pools, seconds=400)
    assert told == ["a", "b", "b", "b"]
    assert copy.get("a") == _pool("a")
    assert copy.get("b") is None


def test_it_knows_how_old_it_is():
    pools = Pools([_pool("a")], Unreachable("gone"))
    copy, _ = _watched(pools, seconds=300)
    assert copy.as_of == 0
    assert isinstance(copy.failure, Unreachable)
    assert copy.get("a") == _pool("a")


def test_a_first_list_that_fails_is_heard_of_too():
    pools = Pools(Unreachable("not yet"), [_pool("a")])
    seen = []

    async def during(copy):
        await copy.heard()
        seen.append((copy.as_of, str(copy.failure)))

    _watched(pools, seconds=60, during=during)
    assert seen == [(None, "not yet")]


def test_a_list_that_lags_hides_no_pool_that_azure_told_of_by_name():
    pools = Pools([])
    seen = []

    async def during(copy):
        await copy.heard()
        copy.put(_pool("a", PoolState.CREATING))
        copy.soon()
        await asyncio.sleep(30)
        seen.append(copy.get("a"))
        await asyncio.sleep(300)
        seen.append(copy.get("a"))

    _watched(pools, seconds=400, during=during)
    assert seen == [_pool("a", PoolState.CREATING), None]


def test_failures_are_asked_again_ever_more_slowly():
    pools = Pools(_status(500))
    _watched(pools, seconds=390)
    assert pools.at == [0, 5.5, 16, 36.5, 77, 157.5, 278]


def test_a_longer_wait_that_azure_asks_for_is_kept():
    pools = Pools(_status(429, retry_after=50.0), [])
    _watched(pools, seconds=60)
    assert pools.at == [0, 50.5]


def test_a_missing_cluster_is_asked_for_slowly_until_it_is_there():
    pools = Pools(_status(404), [_pool("a")])
    copy, told = _watched(pools, seconds=130)
    assert pools.at == [0, 120.5]
    assert (told, copy.failure) == (["a"], None)


def test_a_list_that_lags_brings_no_earlier_state_back():
    listed = [AgentPool(name="a", state=PoolState.SUCCEEDED, etag="1")]
    going = AgentPool(name="a", state=PoolState.DELETING, etag="2")

    async def during(copy):
        for _ in range(2):
            await asyncio.sleep(5)
            copy.put(going)
            copy.soon()

    copy, told = _watched(Pools(listed), seconds=30, during=during)
    assert copy.get("a") == going
    assert told == ["a", "a", "a"]


def test_what_the_list_tells_anew_of_a_pool_is_believed_at_once():
    failed = AgentPool(name="a", state=PoolState.FAILED, etag="3")
    pools = Pools([AgentPool(name="a", state=PoolState.SUCCEEDED, etag="1")], [failed])

    async def during(copy):
        await asyncio.sleep(5)
        copy.put(AgentPool(name="a", state=PoolState.DELETING, etag="2"))
        copy.soon()

    copy, _ = _watched(pools, seconds=30, during=during)
    assert copy.get("a") == failed
