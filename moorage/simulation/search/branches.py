"""One run that branches: before each step of a process, copies of the run go on with a fault.

A copy is a fork of this operating system process, so that it costs what comes after the step and
nothing of what came before. That is sound as long as nothing here runs in threads.
"""

import asyncio
import os
import pickle
from asyncio import events
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Generic, TypeVar

from moorage.simulation.outcome import Outcome
from moorage.simulation.run import run
from simulator.faults.plan import FaultElement, Plan
from simulator.faults.triggers import AtStep
from simulator.faults.vocabulary import Fault

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """``fault`` strikes before the ``step``-th step of the first process of that role."""

    process: str
    step: int
    fault: Fault


class BranchDied(Exception):
    """A copy ended without a word; the message names its point."""


def rerun(plan: Plan, point: Point) -> Plan:
    """The plan whose run is the branch of ``plan`` at that point."""
    when = AtStep(process=point.process, number=point.step)
    return plan.with_elements((*plan.elements, FaultElement(fault=point.fault, when=when)))


def branch(
    plan: Plan,
    faults: Mapping[str, Sequence[Fault]],
    *,
    judge: Callable[[Point, Outcome], T],
    tell: Callable[[T], None],
    every: int = 1,
    copies: int = 2,
) -> None:
    """Runs the plan with every fault at every step of the processes whose roles ``faults`` names.

    ``every`` more than 1 takes only each so-many-th step. ``judge`` is asked in the copy, and its
    answer must be picklable; ``tell`` hears it here, in the order of the points. At most ``copies``
    run beside the plan's own run. Raises BranchDied.
    """
    fork = _Fork[T](faults=faults, tell=tell, every=every, copies=copies)
    try:
        outcome = run(plan, choose=fork.choose)
        fork.end(lambda point: judge(point, outcome))
    finally:
        fork.leave()
    fork.wait(beside=0)
    if fork.died:
        raise BranchDied(f"the run with {fork.died[0]} ended without a word")


@dataclass(frozen=True, slots=True)
class _Copy:
    """The copy that goes on from a point; ``pipe`` is the end of it that this process has."""

    point: Point
    number: int
    pipe: BinaryIO

    def say(self, answer: object) -> None:
        with self.pipe:
            pickle.dump(answer, self.pipe)


@dataclass(slots=True, kw_only=True)
class _Fork(Generic[T]):
    """``here`` is the copy that this process is, None in the first; ``died`` ended unheard."""

    faults: Mapping[str, Sequence[Fault]]
    tell: Callable[[T], None]
    every: int
    copies: int
    here: _Copy | None = None
    died: list[Point] = field(default_factory=list)
    _waited_for: deque[_Copy] = field(default_factory=deque)

    def choose(self, process: str, step: int) -> Fault | None:
        """Comes back once for each copy, with its fault, and once in the first with none."""
        role, _, number = process.partition("-")
        if self.here is not None or number != "1" or step % self.every:
            return None
        for fault in self.faults.get(role, ()):
            if self._split(Point(process=role, step=step, fault=fault)):
                return fault
        return None

    def _split(self, point: Point) -> bool:
        """Whether this is the copy."""
        reading, writing = os.pipe()
        loop = asyncio.get_running_loop()
        number = os.fork()
        if number == 0:
            events._set_running_loop(loop)  # noqa: SLF001 - asyncio knows it by the process's id
            os.close(reading)
            self.here = _Copy(point, number, os.fdopen(writing, "wb"))
            return True
        os.close(writing)
        self._waited_for.append(_Copy(point, number, os.fdopen(reading, "rb")))
        self.wait(beside=self.copies - 1)
        return False

    def end(self, judge: Callable[[Point], T]) -> None:
        """A copy says what came of it."""
        if self.here is not None:
            self.here.say(judge(self.here.point))

    def leave(self) -> None:
        """A copy ends, without what an interpreter does at its end: that is the first's to do."""
        if self.here is not None:
            os._exit(0)

    def wait(self, *, beside: int) -> None:
        """Until no more than so many copies run."""
        while len(self._waited_for) > beside:
            copy = self._waited_for.popleft()
            with copy.pipe:
                said = copy.pipe.read()
            os.waitpid(copy.number, 0)
            if said:
                self.tell(pickle.loads(said))  # noqa: S301 - our own copy's word
            else:
                self.died.append(copy.point)
