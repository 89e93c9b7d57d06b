"""Which of the ready callbacks runs next.

Any order among tasks is one that slower and faster networks could bring about, so a program that
is right must be right under all of them.
"""

import asyncio
import random
from collections import deque
from typing import Protocol


class Schedule(Protocol):
    """Holds what is ready to run."""

    def __len__(self) -> int: ...

    def add(self, handle: asyncio.Handle) -> None: ...

    def take(self) -> asyncio.Handle:
        """One of them; there is at least one."""
        ...


class InOrder:
    """First come, first served, as asyncio itself."""

    def __init__(self) -> None:
        self._ready: deque[asyncio.Handle] = deque()

    def __len__(self) -> int:
        return len(self._ready)

    def add(self, handle: asyncio.Handle) -> None:
        self._ready.append(handle)

    def take(self) -> asyncio.Handle:
        return self._ready.popleft()


class Shuffled:
    """Any of them, with equal chances."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance.random
        self._ready: list[asyncio.Handle] = []

    def __len__(self) -> int:
        return len(self._ready)

    def add(self, handle: asyncio.Handle) -> None:
        self._ready.append(handle)

    def take(self) -> asyncio.Handle:
        ready = self._ready
        last = ready.pop()
        if not ready:
            return last
        index = int(self._chance() * (len(ready) + 1))
        if index == len(ready):
            return last
        chosen, ready[index] = ready[index], last
        return chosen


class Prioritised:
    """Every task has a random priority, and at a few random steps the running task loses its own.

    Probabilistic concurrency testing (Burckhardt et al., ASPLOS 2010): a bug that needs ``d``
    ordered events among ``n`` tasks and ``k`` steps is hit with a chance of 1/(n k^(d-1)) or more.
    Callbacks that are no task's step run first: they only pass on what has happened.
    """

    def __init__(self, chance: random.Random, *, changes: int, steps: int) -> None:
        """``changes`` priority changes among the first ``steps`` steps."""
        self._chance = chance
        self._changes = {chance.randrange(max(1, steps)) for _ in range(changes)}
        self._taken = 0
        self._priorities: dict[int, float] = {}
        self._ready: list[tuple[float, int, asyncio.Handle]] = []
        self._added = 0

    def __len__(self) -> int:
        return len(self._ready)

    def add(self, handle: asyncio.Handle) -> None:
        task = task_of(handle)
        priority = -1.0 if task is None else self._priority(task)
        self._added += 1
        self._ready.append((priority, self._added, handle))

    def take(self) -> asyncio.Handle:
        index = min(range(len(self._ready)), key=lambda place: self._ready[place][:2])
        _, _, handle = self._ready.pop(index)
        self._taken += 1
        task = task_of(handle)
        if task is not None and self._taken in self._changes:
            self._priorities[hash(task)] = 1.0 + self._taken
        return handle

    def _priority(self, task: "asyncio.Task[object]") -> float:
        number = hash(task)  # of a task of the virtual loop: its number
        if number not in self._priorities:
            self._priorities[number] = self._chance.random()
        return self._priorities[number]


def task_of(handle: asyncio.Handle) -> "asyncio.Task[object] | None":
    """The task that a handle takes a step of, None where it is another callback."""
    owner = getattr(handle._callback, "__self__", None)  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio tells it no other way
    return owner if isinstance(owner, asyncio.Task) else None
