"""Many runs, over several processes; what each comes to arrives in the order of the seeds.

The order makes a campaign's answer independent of how many processes it had: the first failure is
that of the lowest seed.
"""

import hashlib
import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

from moorage.simulation.outcome import Counts, Outcome
from moorage.simulation.summary import Summary, summary
from simulator.faults.plan import Plan

Draw = Callable[[int], Plan]
Run = Callable[[Plan], Outcome]

AHEAD = 4
"""Runs handed out for each process: enough that none waits for another seed's end."""


@dataclass(slots=True, kw_only=True)
class Campaign:
    """What the runs so far have come to; ``failures`` are those with a violation."""

    counts: Counts = field(default_factory=Counts)
    failures: list[Summary] = field(default_factory=list)
    _hashes: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def add(self, one: Summary) -> None:
        self.counts.add(one.counts)
        self._hashes.update(one.trace_hash.encode())
        if one.failed:
            self.failures.append(one)

    @property
    def trace_hash(self) -> str:
        """Of all traces in their order: equal campaigns have equal ones."""
        return self._hashes.hexdigest()


def campaign(
    seeds: Iterable[int], *, draw: Draw, run: Run, processes: int, keep_going: bool = False
) -> Iterator[Summary]:
    """A summary for each seed, in their order, up to the first failure unless told to go on.

    ``draw`` and ``run`` go to other processes, so they must be picklable. What a run raises is
    raised here.
    """
    with _workers(processes) as workers:
        for one in _in_order(workers, seeds, draw, run, ahead=AHEAD * processes):
            yield one
            if one.failed and not keep_going:
                return


@contextmanager
def _workers(processes: int) -> Iterator[ProcessPoolExecutor]:
    """Fresh processes: what this one has loaded and drawn must not leak into a run."""
    workers = ProcessPoolExecutor(
        processes, mp_context=multiprocessing.get_context("spawn"), initializer=_leave_interrupts
    )
    try:
        yield workers
    finally:
        workers.shutdown(cancel_futures=True)


def _leave_interrupts() -> None:
    """Ctrl-C reaches every process of the terminal; the one that waits for them ends them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _in_order(
    workers: ProcessPoolExecutor, seeds: Iterable[int], draw: Draw, run: Run, *, ahead: int
) -> Iterator[Summary]:
    waiting = iter(seeds)
    under_way: deque[Future[Summary]] = deque(
        workers.submit(_summary, draw, run, seed) for seed in islice(waiting, ahead)
    )
    while under_way:
        yield under_way.popleft().result()
        under_way.extend(workers.submit(_summary, draw, run, seed) for seed in islice(waiting, 1))


def _summary(draw: Draw, run: Run, seed: int) -> Summary:
    try:
        return summary(run(draw(seed)))
    except Exception as error:
        error.add_note(f"in the run of seed {seed}")
        raise
