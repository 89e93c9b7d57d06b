"""What a step of a workspace's machine costs, and how much of it is the table.

``python -m tests.benchmarks.step``
"""

import asyncio

from engine.lifecycle import next_phase
from engine.phase import Phase
from engine.step import step
from engine.trigger import Trigger
from tests.benchmarks.rounds import compare
from tests.engine.scenes import serving, workspace
from tests.engine.test_lifecycle import looked_up

STEPS = 2000


async def main() -> None:
    of = workspace(Phase.READY)
    seen = serving(of)

    async def lookup() -> None:
        for _ in range(STEPS):
            looked_up(of, Trigger.OBSERVE, seen)

    async def table() -> None:
        for _ in range(STEPS):
            next_phase(of, Trigger.OBSERVE, seen)

    async def whole() -> None:
        for _ in range(STEPS):
            step(of, Trigger.OBSERVE, seen)

    await compare(
        "a Ready workspace looks around",
        {"five-line lookup": lookup, "transitions": table, "the whole step": whole},
        rounds=9,
        each=STEPS,
    )


if __name__ == "__main__":
    asyncio.run(main())
