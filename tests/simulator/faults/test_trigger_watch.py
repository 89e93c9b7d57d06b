"""Triggers come when they should, and not any more once they are forgotten."""

import asyncio
from contextvars import copy_context

from simulator.faults.trigger_watch import TriggerWatch
from simulator.faults.triggers import At
from simulator.history import History
from simulator.virtual_time.event_loop import virtual_loop
from simulator.virtual_time.schedule import InOrder


def played(main):
    loop = virtual_loop(InOrder())
    try:
        return loop.run_until_complete(main(loop))
    finally:
        loop.close()


def test_instants_come_in_time_until_they_are_forgotten():
    fired = []

    async def main(loop):
        watch = TriggerWatch(loop, History(), copy_context())
        for seconds in (10.0, 20.0, 30.0):
            watch.wait(At(seconds=seconds), lambda: fired.append(loop.time()))
        await asyncio.sleep(25.0)
        watch.forget()
        await asyncio.sleep(25.0)

    played(main)
    assert fired == [10.0, 20.0]
