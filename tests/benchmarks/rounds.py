"""Paired, interleaved rounds: what is compared runs in turn, in one process, and medians are told.

Machines drift and share their cores; only the ratio of medians of one run means anything.
"""

import statistics
import time
from collections.abc import Awaitable, Callable, Mapping

from rich.console import Console
from rich.table import Table


async def compare(
    title: str, contestants: Mapping[str, Callable[[], Awaitable[None]]], *, rounds: int, each: int
) -> None:
    """Prints milliseconds an operation, and each as a multiple of the first.

    A contestant does ``each`` operations a call.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for run in contestants.values():
        await run()
    for _ in range(rounds):
        for name, run in contestants.items():
            start = time.perf_counter()
            await run()
            seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(found) / each * 1000 for name, found in seconds.items()}
    table = Table(title=f"{title} ({rounds} interleaved rounds of {each})")
    table.add_column("what")
    table.add_column("median ms", justify="right")
    table.add_column("ratio", justify="right")
    first = next(iter(medians.values()))
    for name, median in medians.items():
        table.add_row(name, f"{median:.3f}", f"{median / first:.2f}")
    Console().print(table)
