import asyncio
import random

import pytest

from simulator.virtual_time.event_loop import (
    NotSimulated,
    Spinning,
    Stalled,
    run_virtually,
    virtual_loop,
)
from simulator.virtual_time.schedule import InOrder, Prioritised, Shuffled


async def slept(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return asyncio.get_running_loop().time()


def test_a_year_passes_at_once():
    assert run_virtually(slept(365 * 24 * 3600.0)) == 365 * 24 * 3600.0


def test_sleepers_wake_in_the_order_of_their_times():
    woken = []

    async def sleeper(seconds: float) -> None:
        woken.append(await slept(seconds))

    async def all_of_them() -> None:
        await asyncio.gather(*(sleeper(seconds) for seconds in (3.0, 1.0, 2.0)))

    run_virtually(all_of_them())
    assert woken == [1.0, 2.0, 3.0]


def test_a_timeout_comes_at_its_instant():
    async def waiting() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(240):
                await asyncio.Event().wait()
        return asyncio.get_running_loop().time()

    assert run_virtually(waiting()) == 240.0


def test_waiting_for_what_can_never_come_is_told():
    with pytest.raises(Stalled):
        run_virtually(asyncio.Event().wait())


def test_callbacks_that_beget_callbacks_are_told(monkeypatch):
    monkeypatch.setattr("simulator.virtual_time.event_loop.STEPS_WITHOUT_TIME", 1000)

    async def spinning() -> None:
        while True:  # noqa: ASYNC110 - this is what is told
            await asyncio.sleep(0)

    with pytest.raises(Spinning):
        run_virtually(spinning())


def test_threads_are_refused():
    with pytest.raises(NotSimulated):
        run_virtually(asyncio.to_thread(print))


def test_an_exception_that_nobody_awaits_is_a_defect():
    async def careless() -> None:
        task = asyncio.get_running_loop().create_task(slept("soon"))
        await asyncio.sleep(1)
        del task

    loop = virtual_loop()
    run_virtually(careless(), loop)
    assert isinstance(loop.defects[0]["exception"], TypeError)


def test_what_never_ended_is_ended_when_the_loop_closes():
    ended = []

    async def waiting() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("finally")

    async def main() -> None:
        asyncio.get_running_loop().create_task(waiting())
        await asyncio.sleep(1)

    run_virtually(main())
    assert ended == ["finally"]


def order(schedule) -> list[int]:
    seen: list[int] = []

    async def worker(number: int) -> None:
        for _ in range(5):
            await asyncio.sleep(0)
            seen.append(number)

    async def main() -> None:
        async with asyncio.TaskGroup() as tasks:
            for number in range(4):
                tasks.create_task(worker(number))

    run_virtually(main(), virtual_loop(schedule))
    return seen


def test_in_order_is_asyncios_own_order():
    assert order(InOrder()) == [0, 1, 2, 3] * 5


@pytest.mark.parametrize(
    "schedule",
    [
        lambda seed: Shuffled(random.Random(seed)),
        lambda seed: Prioritised(random.Random(seed), changes=3, steps=20),
    ],
    ids=["shuffled", "priorities"],
)
def test_a_seed_decides_the_order(schedule):
    orders = {tuple(order(schedule(seed))) for seed in range(20)}
    assert len(orders) > 10
    assert order(schedule(3)) == order(schedule(3))
    assert all(sorted(one) == sorted([0, 1, 2, 3] * 5) for one in orders)


def test_priorities_let_one_task_run_for_long():
    runs = [order(Prioritised(random.Random(seed), changes=0, steps=1)) for seed in range(20)]
    assert any(one[:5] == [one[0]] * 5 for one in runs)


def test_sets_of_tasks_have_one_order_in_every_run():
    async def names() -> list[str]:
        loop = asyncio.get_running_loop()
        tasks = {loop.create_task(asyncio.sleep(0), name=str(n)) for n in range(50)}
        await asyncio.sleep(1)
        return [task.get_name() for task in tasks]

    assert run_virtually(names()) == run_virtually(names())


def test_a_timer_that_sets_itself_again_does_not_keep_the_loop_open():
    async def main() -> None:
        loop = asyncio.get_running_loop()

        def again() -> None:
            loop.call_later(60, again)

        again()

    run_virtually(main())
