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
from simulator.virtual_time.event_loop import virtual_loop
from simulator.virtual_time.randomness import Randomness
from simulator.virtual_time.schedule import InOrder, Prioritised, Schedule, Shuffled

PRIORITY_CHANGES = 3
PRIORITY_STEPS = 20_000


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
    with _undisturbed():
        randomness = Randomness(plan.seed)
        loop = virtual_loop(_schedule(plan.setting, randomness))
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
def _undisturbed() -> Iterator[None]:
    """No collector, which would close generators at its own times, and no log."""
    collecting, level = gc.isenabled(), logging.root.manager.disable
    gc.disable()
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(level)
        if collecting:
            gc.enable()


def _schedule(setting: Setting, randomness: Randomness) -> Schedule:
    chance = randomness.stream("schedule")
    match setting.schedule:
        case "in order":
            return InOrder()
        case "priorities":
            return Prioritised(chance, changes=PRIORITY_CHANGES, steps=PRIORITY_STEPS)
        case "shuffled":
            return Shuffled(chance)
