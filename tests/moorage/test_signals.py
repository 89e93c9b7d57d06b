import asyncio
import os
import signal

import pytest

from moorage.signals import until_signal


async def test_a_signal_cancels_the_work_and_waits_for_its_end():
    ended = []

    async def work():
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGTERM)
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    assert await until_signal(work()) is False
    assert ended


async def test_work_that_ends_by_itself_is_told_apart():
    assert await until_signal(asyncio.sleep(0)) is True


async def test_what_the_work_raises_is_raised():
    async def work():
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await until_signal(work())


async def test_handlers_are_gone_afterwards():
    before = signal.getsignal(signal.SIGTERM)
    await until_signal(asyncio.sleep(0))
    assert signal.getsignal(signal.SIGTERM) == before
