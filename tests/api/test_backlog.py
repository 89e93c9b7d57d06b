"""A watch's backlog: bounded, and over once its reader stands still."""

import asyncio

import pytest

from api.backlog import Backlog
from api.errors import Draining, SlowReader
from engine.ports import Progressed


def _event(number: int) -> Progressed:
    return Progressed(revision=str(number))


async def _revision(backlog: Backlog) -> str:
    event = await backlog.get(within_seconds=1)
    assert event is not None
    return event.revision


async def test_events_come_out_in_order_and_none_when_all_is_quiet():
    backlog = Backlog(bound=3, patience_seconds=1)
    for number in range(3):
        await backlog.put(_event(number))
    assert [await _revision(backlog) for _ in range(3)] == ["0", "1", "2"]
    assert await backlog.get(within_seconds=0.01) is None


async def test_a_full_backlog_holds_its_writer_until_the_reader_takes():
    backlog = Backlog(bound=1, patience_seconds=60)
    await backlog.put(_event(0))
    writing = asyncio.create_task(backlog.put(_event(1)))
    await asyncio.sleep(0)
    assert not writing.done()
    assert await _revision(backlog) == "0"
    await writing
    assert await _revision(backlog) == "1"


async def test_a_reader_that_stands_still_is_told_how_much_it_lost():
    backlog = Backlog(bound=2, patience_seconds=0.01)
    for number in range(3):
        await backlog.put(_event(number))
    with pytest.raises(SlowReader) as caught:
        await backlog.get(within_seconds=1)
    assert caught.value.behind == 2


async def test_what_waits_is_dropped_at_the_end_and_the_first_error_stays():
    backlog = Backlog(bound=2, patience_seconds=1)
    await backlog.put(_event(0))
    backlog.end(Draining())
    backlog.end(SlowReader(1))
    await backlog.put(_event(1))
    assert not backlog._events
    with pytest.raises(Draining):
        await backlog.get(within_seconds=1)


async def test_an_end_wakes_reader_and_writer():
    backlog = Backlog(bound=1, patience_seconds=60)
    reading = asyncio.create_task(backlog.get(within_seconds=60))
    await asyncio.sleep(0)
    backlog.end(Draining())
    with pytest.raises(Draining):
        await reading
    full = Backlog(bound=1, patience_seconds=60)
    await full.put(_event(0))
    writing = asyncio.create_task(full.put(_event(1)))
    await asyncio.sleep(0)
    full.end(Draining())
    await writing
