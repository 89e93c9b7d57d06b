import asyncio
from datetime import timedelta

from simulator.virtual_time.clock import EPOCH, VirtualClock
from simulator.virtual_time.event_loop import VirtualLoop, run_virtually, virtual_loop
from simulator.virtual_time.process import Process, current_process
from simulator.virtual_time.randomness import Randomness


def started(process: Process, work) -> "asyncio.Task[None]":
    return asyncio.get_running_loop().create_task(work, context=process.context())


def test_what_a_process_starts_is_of_it():
    async def child() -> str:
        return current_process().name

    async def parent() -> str:
        return await asyncio.create_task(child())

    async def main() -> str:
        return await started(Process("engine-1"), parent())

    assert run_virtually(main()) == "engine-1"


def test_a_crashed_process_runs_no_more_not_even_its_finally():
    ticks: list[str] = []

    async def ticking() -> None:
        try:
            while True:
                await asyncio.sleep(1)
                ticks.append("tick")
        finally:
            ticks.append("finally")

    async def main() -> None:
        process = Process("engine-1")
        started(process, ticking())
        await asyncio.sleep(2.5)
        process.crashed = True
        await asyncio.sleep(10)
        assert ticks == ["tick", "tick"]

    run_virtually(main())


def test_a_paused_process_goes_on_with_what_became_due():
    ticks: list[float] = []

    async def ticking(loop: VirtualLoop) -> None:
        while True:
            await asyncio.sleep(1)
            ticks.append(loop.time())

    async def main(loop: VirtualLoop) -> None:
        process = Process("engine-1")
        started(process, ticking(loop))
        await asyncio.sleep(1.5)
        process.paused = True
        await asyncio.sleep(60)
        loop.resume(process)
        await asyncio.sleep(1.5)

    loop = virtual_loop()
    run_virtually(main(loop), loop)
    assert ticks == [1.0, 61.5, 62.5]


def test_each_await_is_a_step_that_something_may_strike_before():
    steps: list[int] = []

    async def three_awaits() -> None:
        for _ in range(3):
            await asyncio.sleep(1)

    async def main() -> None:
        process = Process("engine-1")
        asyncio.get_running_loop().on_step = lambda one, _: steps.append(one.steps)
        await started(process, three_awaits())

    run_virtually(main())
    assert steps == [1, 2, 3, 4]


def test_a_crash_before_a_step_leaves_that_step_undone():
    done: list[int] = []

    async def counting() -> None:
        for number in range(5):
            done.append(number)
            await asyncio.sleep(1)

    def strike(process: Process, _: object) -> None:
        process.crashed = process.steps == 3

    async def main() -> None:
        asyncio.get_running_loop().on_step = strike
        started(Process("engine-1"), counting())
        await asyncio.sleep(10)

    run_virtually(main())
    assert done == [0, 1]


def test_a_process_may_be_wrong_about_the_time_and_nobody_else():
    loop = virtual_loop()
    clock = VirtualClock(loop)

    async def now():
        return clock.now()

    async def main() -> None:
        process = Process("engine-1")
        process.clock_error = timedelta(hours=1)
        await asyncio.sleep(5)
        assert await started(process, now()) == EPOCH + timedelta(hours=1, seconds=5)
        assert clock.now() == clock.true_now() == EPOCH + timedelta(seconds=5)

    run_virtually(main(), loop)


def test_streams_of_chance_are_independent_and_repeatable():
    first, second = Randomness(7), Randomness(7)
    first.stream("schedule").random()
    assert first.stream("uids").random() == second.stream("uids").random()
    assert first.stream("uids").random() != first.stream("schedule").random()
    assert Randomness(8).uuids("uids")() != Randomness(7).uuids("uids")()


def test_what_was_due_in_a_process_that_stayed_paused_ends_with_the_loop():
    ended: list[str] = []

    async def waiting() -> None:
        try:
            await asyncio.sleep(1)
        finally:
            ended.append("finally")

    async def main() -> None:
        process = Process("engine-1")
        started(process, waiting())
        await asyncio.sleep(0.5)
        process.paused = True
        started(process, waiting())
        await asyncio.sleep(60)

    run_virtually(main())
    assert ended == ["finally"]
