"""Runs the program's work until it ends or the process is asked to."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def until_signal(work: Coroutine[Any, Any, None]) -> bool:
    """Awaits ``work``; at SIGINT or SIGTERM it is cancelled, and its end awaited.

    True where it ended by itself.

    A second signal has its usual effect: who is in a hurry can leave at once. Raises what ``work``
    raises.
    """
    loop = asyncio.get_running_loop()
    asked = asyncio.Event()
    for number in SIGNALS:
        loop.add_signal_handler(number, asked.set)
    working = asyncio.create_task(work)
    waiting = asyncio.create_task(asked.wait())
    try:
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
        for task in (working, waiting):
            task.cancel()
        await asyncio.wait({working, waiting})
    if working.cancelled():
        return False
    working.result()
    return True
