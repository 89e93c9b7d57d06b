"""The driver of one thing that has a machine: look, step, save, act, wait.

It knows no phases, and not what it drives: a workspace or a node claim. Every turn starts from the
stored thing and a fresh look at the world, so a restart is nothing special, and whatever was missed
in between does not matter. The new state is saved before anything is done about it: every effect
has an earlier record.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from engine.errors import ActionFailed, NotFound, Refused, Stale, Unreachable
from engine.ports import Clock
from engine.report import Report
from engine.setback import Setback
from engine.stepping import Step

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 30.0


def retry_seconds(failures: int) -> float:
    """The pause after so many failures in a row; the phase's deadline bounds their number."""
    return min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0 ** min(failures - 1, 10))


R = TypeVar("R")
R_contra = TypeVar("R_contra", contravariant=True)
T = TypeVar("T", bound="Driven")
D = TypeVar("D", bound="Driven")
O = TypeVar("O")  # noqa: E741 - what was observed
O_co = TypeVar("O_co", covariant=True)
A = TypeVar("A")
A_contra = TypeVar("A_contra", contravariant=True)
T_contra = TypeVar("T_contra", bound="Driven", contravariant=True)


class State(Protocol):
    """What a machine remembers; equal where nothing changed."""

    @property
    def history(self) -> Sequence[object]: ...


class Driven(Protocol):
    @property
    def machine(self) -> State: ...


class Store(Protocol[R_contra, D]):
    async def get(self, ref: R_contra, /) -> D:
        """Raises NotFound, Unreachable."""
        ...

    async def save(self, thing: D, /) -> D:
        """Writes the machine's state. Raises Stale, NotFound, Refused, Unreachable."""
        ...


class World(Protocol[T_contra, O_co, A_contra]):
    async def observe(self, thing: T_contra, /) -> O_co: ...

    async def perform(self, thing: T_contra, action: A_contra, /) -> None:
        """Idempotent: performing it twice is performing it once. Raises ActionFailed."""
        ...


class Driver(Generic[R, T, O, A]):
    """Drives one thing from its creation until it is gone."""

    def __init__(
        self,
        ref: R,
        *,
        step: Callable[[T, O, Sequence[Setback]], Step[T, A]],
        store: Store[R, T],
        world: World[T, O, A],
        clock: Clock,
        report: Report[T],
    ) -> None:
        """``step`` is told what failed since the last turn, too."""
        self.ref = ref
        self._step = step
        self._store = store
        self._world = world
        self._clock = clock
        self._report = report
        self._changed = asyncio.Event()
        self._restated = 0
        """Turns in a row that told the same phase anew: someone else keeps telling it otherwise."""
        self._failures = 0
        self._setbacks: tuple[Setback, ...] = ()

    def wake(self) -> None:
        """Something may have changed; calls coalesce."""
        self._changed.set()

    async def run(self) -> None:
        """Returns when it is gone."""
        while True:
            self._changed.clear()
            try:
                wake_at = await self._turn()
            except NotFound:
                if self._changed.is_set():  # made again under the same name meanwhile
                    continue
                return
            except Stale:
                continue
            except (Refused, Unreachable) as error:
                self._failures += 1
                pause = retry_seconds(self._failures)
                log.warning("%s: %s; trying again in %.0f s", self.ref, error, pause)
                await asyncio.sleep(pause)
                continue
            await self._wait(wake_at)

    async def _turn(self) -> datetime:
        thing = await self._store.get(self.ref)
        seen = await self._world.observe(thing)
        made = self._step(thing, seen, self._setbacks)
        saved = await self._save(thing, made)
        self._setbacks = await self._perform(saved, made.actions)
        self._failures = self._failures + 1 if self._setbacks else 0
        return made.wake_at

    async def _save(self, before: T, made: Step[T, A]) -> T:
        if made.next.machine == before.machine:
            self._restated = 0
            return made.next
        saved = await self._store.save(made.next)
        if made.next.machine.history == before.machine.history:
            self._restated += 1
        else:
            self._restated = 0
            await self._report.passed(made.next)
        return saved

    async def _perform(self, thing: T, actions: Sequence[A]) -> tuple[Setback, ...]:
        setbacks = []
        for action in actions:
            try:
                await self._world.perform(thing, action)
            except ActionFailed as error:
                setback = Setback(action=type(action).__name__, code=error.code, message=str(error))
                setbacks.append(setback)
                await self._report.set_back(thing, setback)
        return tuple(setbacks)

    async def _wait(self, wake_at: datetime) -> None:
        if self._restated > 1:  # another engine sees the world otherwise, for now
            await asyncio.sleep(retry_seconds(self._restated - 1))
        seconds = (wake_at - self._clock.now()).total_seconds()
        if self._setbacks:
            seconds = min(max(seconds, 0.0), retry_seconds(self._failures))
        if seconds <= 0:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return
