"""How much a simulated run gets through in a second of CPU time, by its number of workspaces.

``python -m tests.benchmarks.simulation [WORKSPACES ...]``

Simulated hours mean little alone: an idle hour costs next to nothing. So they are told together
with the calls, changes and faults that were in them, all checkers on.
"""

import sys
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from moorage.simulation.outcome import Counts
from moorage.simulation.run import run
from simulator.faults.plan import Element, FaultElement, Plan, Setting, UserElement
from simulator.faults.triggers import At, Calls
from simulator.faults.users import Create
from simulator.faults.vocabulary import (
    Conflicting,
    Crash,
    ErrorAfter,
    ErrorBefore,
    Freeze,
    OutOfMemory,
    SpotEviction,
    Throttle,
)

HOURS = {1: 24.0, 10: 12.0, 100: 2.0, 1000: 0.5}
NUMBERS = tuple(HOURS)
EVERY_SECONDS = 300.0
"""Between two rounds of faults."""
HEADINGS = ("workspaces", "simulated hours", "CPU s", "hours", "API calls", "changes", "faults")


def plan(workspaces: int) -> Plan:
    """Workspaces of one node each, and faults of many kinds, among them all, the whole time."""
    hours = HOURS.get(workspaces, 1.0)
    return Plan(
        seed=workspaces,
        setting=Setting(workspaces=workspaces, hours=hours),
        elements=(*_users(workspaces), *_faults(workspaces, hours)),
    )


def _users(workspaces: int) -> Iterator[Element]:
    for number in range(workspaces):
        yield UserElement(user=Create(workspace=number), when=At(seconds=number * 60 / workspaces))


def _faults(workspaces: int, hours: float) -> Iterator[Element]:
    rounds = int(hours * 3600 / EVERY_SECONDS)
    engine = Calls(actor="engine")
    writes = Calls(actor="engine", verb="write")
    for number in range(rounds):
        when = At(seconds=number * EVERY_SECONDS)
        yield FaultElement(fault=ErrorBefore(calls=engine, times=3 * workspaces), when=when)
        yield FaultElement(fault=ErrorAfter(calls=writes, times=workspaces), when=when)
        yield FaultElement(fault=Throttle(calls=engine, times=workspaces), when=when)
        yield FaultElement(fault=Conflicting(calls=writes, times=workspaces), when=when)
        yield FaultElement(fault=Freeze(seconds=30.0), when=when)
        yield FaultElement(fault=OutOfMemory(workspace=number % workspaces), when=when)
        if number % 4 == 0:
            yield FaultElement(fault=SpotEviction(workspace=number % workspaces), when=when)
            yield FaultElement(fault=Crash(), when=when)


def main(numbers: tuple[int, ...]) -> None:
    table = Table(*HEADINGS, title="per CPU second, unless said otherwise")
    for number in numbers:
        outcome = run(plan(number))
        table.add_row(*_row(number, outcome.counts), end_section=bool(outcome.violations))
        for violation in outcome.violations:
            sys.stderr.write(f"{violation}\n")
    Console().print(table)


def _row(number: int, counts: Counts) -> tuple[str, ...]:
    seconds = counts.cpu_seconds
    hours = counts.simulated_seconds / 3600
    return (
        str(number),
        f"{hours:.1f}",
        f"{seconds:.1f}",
        f"{hours / seconds:.2f}",
        f"{counts.api_calls / seconds:,.0f}",
        f"{counts.commits / seconds:,.0f}",
        f"{sum(counts.faults.values()) / seconds:,.0f}",
    )


if __name__ == "__main__":
    main(tuple(int(text) for text in sys.argv[1:]) or NUMBERS)
