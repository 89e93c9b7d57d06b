"""An asyncio event loop in virtual time: no selector, no sockets, no threads.

Time stands still while anything is ready to run, and leaps to the next timer when nothing is. Which
ready callback runs next is the schedule's choice, so that a run follows from its seed alone.
"""

import asyncio
import contextvars
import heapq
import sys
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from itertools import count
from typing import Any, NoReturn, TypeVar, TypeVarTuple, Unpack

from simulator.virtual_time.process import Process, process_of
from simulator.virtual_time.schedule import InOrder, Schedule, task_of

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

CLOSING_ROUNDS = 10
"""A task may need to be cancelled more than once: it may wait again while it ends."""

STEPS_WITHOUT_TIME = 1_000_000
"""More callbacks than this at one instant, and something spins."""


class Stalled(Exception):
    """Nothing is ready and no timer is set: what was waited for can never come."""


class Spinning(Exception):
    """Callbacks beget callbacks and time does not move."""


class NotSimulated(Exception):
    """Code under simulation asked for a thread, a socket or another part of the real world."""


class VirtualTask(asyncio.Task[T]):
    """A task whose hash is its number, so that sets of tasks have the same order in every run."""

    def __init__(self, number: int, *arguments: Any, **options: Any) -> None:
        self._number = number
        super().__init__(*arguments, **options)

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other


class VirtualLoop(asyncio.AbstractEventLoop):
    """``on_step`` is told of each step that a task of a process is about to take.

    ``defects`` collects what asyncio would only have logged: exceptions that nobody awaited.
    """

    def __init__(self, schedule: Schedule | None = None) -> None:
        self._schedule: Schedule = InOrder() if schedule is None else schedule
        self._now = 0.0
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._timer_numbers = count()
        self._task_numbers = count(1)
        self._running = False
        self._stopping = False
        self._closed = False
        self._closing = False
        self._holding: dict[Process, None] = {}
        """Processes that were paused, and may still be."""
        self._graveyard: deque[asyncio.Handle] = deque()
        """What was due in crashed processes; a coroutine that is dropped enters its ``finally``."""
        self.on_step: Callable[[Process, asyncio.Task[Any]], None] | None = None
        self.defects: list[dict[str, Any]] = []

    def time(self) -> float:
        """Seconds of virtual time since the loop was made."""
        return self._now

    def call_soon(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._schedule.add(handle)
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._timer_numbers), timer))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers leave the heap when their time comes."""

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(
        self,
        coro: Any,
        *,
        name: str | None = None,
        context: contextvars.Context | None = None,
        **_: Any,
    ) -> "asyncio.Task[Any]":
        number = next(self._task_numbers)
        name = name or f"task {number}"
        return VirtualTask(number, coro, loop=self, name=name, context=context)

    def run_until_complete(self, future: Any) -> Any:
        """Raises Stalled where the future can never be done, and what ``future`` raises."""
        waited = asyncio.ensure_future(future, loop=self)
        waited.add_done_callback(lambda _: self.stop())
        self.run_forever()
        if not waited.done():
            raise RuntimeError("the loop was stopped before the future was done")
        return waited.result()

    def run_forever(self) -> None:
        if self._running or events._get_running_loop() is not None:  # noqa: SLF001 - as asyncio's own loops do
            raise RuntimeError("an event loop is running already")
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(finalizer=self._finalise_generator)
        self._running, self._stopping = True, False
        events._set_running_loop(self)  # noqa: SLF001 - meant for implementers of loops
        try:
            self._run()
        finally:
            self._running = False
            events._set_running_loop(None)  # noqa: SLF001
            sys.set_asyncgen_hooks(*hooks)

    def _run(self) -> None:
        schedule = self._schedule
        at_this_instant = 0
        while not self._stopping:
            if not schedule:
                self._leap()
                at_this_instant = 0
            at_this_instant += 1
            if at_this_instant > STEPS_WITHOUT_TIME:
                raise Spinning(f"{STEPS_WITHOUT_TIME} callbacks at {self._now} s")
            handle = schedule.take()
            if handle._cancelled:  # noqa: SLF001 - the property costs a call each
                continue
            process = process_of(handle._context)  # type: ignore[attr-defined]  # noqa: SLF001
            if process is not None and not (self._closing or self._may_run(process, handle)):
                continue
            handle._run()  # noqa: SLF001 - there is no public way

    def _may_run(self, process: Process, handle: asyncio.Handle) -> bool:
        if process.crashed:
            self._graveyard.append(handle)
            return False
        if process.paused:
            self._hold(process, handle)
            return False
        task = task_of(handle)
        if task is None:
            return True
        process.steps += 1
        if self.on_step is not None:
            self.on_step(process, task)
        return self._still_runs(process, handle)

    def _still_runs(self, process: Process, handle: asyncio.Handle) -> bool:
        if process.crashed:
            self._graveyard.append(handle)
        elif process.paused:
            self._hold(process, handle)
        return not (process.crashed or process.paused)

    def _hold(self, process: Process, handle: asyncio.Handle) -> None:
        self._holding[process] = None
        process.held.append(handle)

    def _leap(self) -> None:
        """To the next timer, and makes all of that instant ready."""
        timers = self._timers
        while timers and timers[0][2]._cancelled:  # noqa: SLF001
            heapq.heappop(timers)
        if not timers:
            raise Stalled(f"nothing is left to happen after {self._now} s")
        self._now = max(self._now, timers[0][0])
        while timers and timers[0][0] <= self._now:
            self._schedule.add(heapq.heappop(timers)[2])

    def resume(self, process: Process) -> None:
        """A paused process goes on with what became due meanwhile."""
        process.paused = False
        while process.held:
            self._schedule.add(process.held.popleft())

    def stop(self) -> None:
        self._stopping = True

    def is_running(self) -> bool:
        return self._running

    def is_closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        """Cancels what never finished, that of crashed processes too, and lets it end unseen."""
        if self._closed:
            return
        self.on_step = None
        self._closing = True
        self._timers.clear()
        for due in (self._graveyard, *(process.held for process in self._holding)):
            while due:
                self._schedule.add(due.popleft())
        for _ in range(CLOSING_ROUNDS):
            pending = asyncio.all_tasks(self)
            if not pending:
                break
            for task in pending:
                task.cancel()
            with suppress(Stalled):
                self.run_forever()
        self._closed = True

    async def shutdown_asyncgens(self) -> None:
        """Generators are finalised as they are dropped."""

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """There is none."""

    def _finalise_generator(self, generator: Any) -> None:
        """A generator that was dropped halfway is closed."""
        self.create_task(generator.aclose(), name="close generator")

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.defects.append(context)

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        self.call_exception_handler(context)

    def get_debug(self) -> bool:
        return False

    def set_debug(self, enabled: bool) -> None:  # noqa: FBT001 - asyncio's signature
        """Debug mode reads the real clock."""

    def get_task_factory(self) -> None:
        return None

    def call_soon_threadsafe(self, *_: Any, **__: Any) -> NoReturn:  # type: ignore[override]
        raise NotSimulated("there is one thread only: call_soon_threadsafe")

    def run_in_executor(self, *_: Any, **__: Any) -> NoReturn:  # type: ignore[override]
        raise NotSimulated("there is one thread only: run_in_executor, to_thread")


def virtual_loop(schedule: Schedule | None = None) -> VirtualLoop:
    """What a loop of sockets and subprocesses has besides, the base class refuses."""
    return VirtualLoop(schedule)  # type: ignore[abstract]


def run_virtually(main: Coroutine[Any, Any, T], loop: VirtualLoop | None = None) -> T:
    """Runs ``main`` to its end in virtual time."""
    loop = loop or virtual_loop()
    try:
        result: T = loop.run_until_complete(main)
        return result
    finally:
        loop.close()
