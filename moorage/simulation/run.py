"""One run: a plan in, an outcome out, and nothing else has a say."""

import gc
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from moorage.simulation.director import Choice
from moorage.simulation.outcome import Outcome
from moorage.simulation.tally import Tally
from moorage.simulation.trace import Trace
from moorage.simulation.world import World
from simulator.checkers.judge import Judge
from simulator.checkers.properties import PROPERTIES
from simulator.checkers.property import Property
from simulator.faults.plan import Plan, Setting
from simulator.history import Defect, History
from simulator.virtual_time.event_loop import VirtualLoop, virtual_loop
from simulator.virtual_time.process import current_process
from simulator.virtual_time.randomness import Randomness
from simulator.virtual_time.schedule import InOrder, Prioritised, Schedule, Shuffled

PRIORITY_CHANGES = 3
PRIORITY_STEPS = 20_000
OUR_PACKAGES = ("adapters", "api", "engine", "moorage")


def run(
    plan: Plan, *, properties: Sequence[Property] = PROPERTIES, choose: Choice | None = None
) -> Outcome:
    """The same outcome for the same plan, in any process. Raises nothing of the run's own.

    ``choose`` is asked at each step of a process, until faults end, whether anything strikes there.
    """
    history = History()
    trace, judge = Trace(), Judge(history, properties)
    tally = Tally()
    history.readers += [trace.add, tally.add]
    began = time.process_time()
    randomness = Randomness(plan.seed)
    loop = virtual_loop(_schedule(plan.setting, randomness))
    with _undisturbed(history, loop):
        world = World(plan, loop, history, randomness, choose)
        loop.run_until_complete(world.build())
        try:
            loop.run_until_complete(world.play())
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what came of the plan
            history.add(Defect(at=loop.time(), actor="simulation", what=repr(error)))
        violations = judge.finish()
        ended = loop.time()
        trace_hash = trace.hexdigest()
        history.readers.clear()
        loop.run_until_complete(world.close())
        loop.close()
    counts = tally.counts
    counts.runs = 1
    counts.simulated_seconds = ended
    counts.cpu_seconds = time.process_time() - began
    counts.steps = world.processes.first_engine.steps if world.processes.first_engine else 0
    return Outcome(
        plan=plan,
        trace_hash=trace_hash,
        violations=tuple(violations),
        counts=counts,
        passages=tuple(tally.passages),
        engine_steps=counts.steps,
        history=history,
    )


@contextmanager
def _undisturbed(history: History, loop: VirtualLoop) -> Iterator[None]:
    """No collector, which would close generators at its own times.

    And no log but for our own errors: what is logged as one is a defect, however well survived.
    """
    collecting, level = gc.isenabled(), logging.root.manager.disable
    defects = _LoggedDefects(history, loop)
    gc.disable()
    logging.disable(logging.WARNING)
    logging.root.addHandler(defects)
    try:
        yield
    finally:
        logging.root.removeHandler(defects)
        logging.disable(level)
        if collecting:
            gc.enable()


class _LoggedDefects(logging.Handler):
    def __init__(self, history: History, loop: VirtualLoop) -> None:
        super().__init__()
        self._history = history
        self._loop = loop

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.partition(".")[0] not in OUR_PACKAGES:
            return  # libraries complain of what faults did to them
        process = current_process()
        error = "" if record.exc_info is None else f": {record.exc_info[1]!r}"
        self._history.add(
            Defect(
                at=self._loop.time(),
                actor="simulation" if process is None else process.name,
                what=f"{record.getMessage()}{error}",
            )
        )


def _schedule(setting: Setting, randomness: Randomness) -> Schedule:
    chance = randomness.stream("schedule")
    match setting.schedule:
        case "in order":
            return InOrder()
        case "priorities":
            return Prioritised(chance, changes=PRIORITY_CHANGES, steps=PRIORITY_STEPS)
        case "shuffled":
            return Shuffled(chance)
