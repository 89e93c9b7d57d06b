"""When the engine could be expected to do its work undisturbed.

Bounds such as "within two minutes" hold of an engine that runs, sees and is answered. A fault of
the world beneath (a lost node, a slow model) is no excuse; a crash, a frozen watch and refused
requests are, for as long as it takes to get over them.
"""

from bisect import bisect_right
from math import inf

from simulator.checkers.reading import is_engine
from simulator.history import Record, Started, Struck

AFTER_PROCESSES_AND_REQUESTS = 90.0
"""Seconds: the longest pause between retries is 30, and a slow answer may come before it."""

AFTER_WATCHES = 600.0
"""Seconds: a watch that went silent is given up by its client after 270, and asked for anew."""

SENSOR_LAG = 5.0
"""Seconds: how far an engine's copies of objects may lag when nothing goes wrong."""

AFTER_CLOCK_JUMP = 7200.0
"""Seconds: deadlines are instants of a clock that may be an hour or two off."""

_HOLD_UP = frozenset({"PAUSE", "SLOW"})
"""What an engine has seen before them, it acts on after them."""

_MISLEADS = frozenset({"RELABEL"})
"""What it shows is not there by any sign that Moorage goes by, however long it has been."""

_SETTLES_AFTER = {
    **dict.fromkeys(
        ("CR", "CANCEL", "PAUSE", "ROLL", "EB", "EA", "429", "SLOW", "CF", "WHK", "NSW"),
        AFTER_PROCESSES_AND_REQUESTS,
    ),
    **dict.fromkeys(
        ("CR~tt", "FRZ", "GAP", "410", "HALF", "BM", "RELABEL", "KIND-"), AFTER_WATCHES
    ),
    "CLK": AFTER_CLOCK_JUMP,
}


class Quiet:
    """Remembers disturbances, each from when it began until it must be over."""

    def __init__(self) -> None:
        self._starts: list[float] = []
        self._ends: list[float] = []
        """The latest end of this and every earlier disturbance, so both lists ascend."""
        self._up: set[str] = set()
        self._down_since: float | None = None
        self._blind_until = 0.0
        self._misled_until = 0.0
        self._pauses: dict[str, tuple[float, float]] = {}
        """Of each process the latest: since when, and until when."""

    def note(self, record: Record) -> None:
        if isinstance(record, Struck) and record.code in _SETTLES_AFTER:
            settles = _SETTLES_AFTER[record.code]
            if record.code in _MISLEADS:
                self._misled_until = max(self._misled_until, record.at + settles)
            self._disturbed(record.at, record.at + settles)
            if settles >= AFTER_WATCHES or record.code in _HOLD_UP:
                ends = record.at + max(settles, AFTER_WATCHES)
                self._blind_until = max(self._blind_until, ends)
        elif isinstance(record, Started) and is_engine(record.process):
            self._note_process(record)

    def seeing(self, at: float) -> bool:
        """Whether what a step looks at is what there is, and its clock right."""
        return at >= self._blind_until

    def oldest_sight(self, at: float) -> float:
        """How many seconds old the world may be that an engine sees."""
        if at < self._misled_until:
            return inf
        return SENSOR_LAG if self.seeing(at) else AFTER_WATCHES

    def woke(self, process: str, at: float) -> float:
        """When the process woke that was paused ``at`` that instant; the instant where it was not.

        What it had set out to do before, it does then.
        """
        since, until = self._pauses.get(process, (inf, inf))
        return until if since <= at <= until else at

    def longest(self, since: float, until: float) -> float:
        """Seconds of the longest stretch without disturbance within the interval."""
        until = until if self._down_since is None else min(until, self._down_since)
        longest, calm_since = 0.0, since
        place = bisect_right(self._ends, since)
        for start, end in zip(self._starts[place:], self._ends[place:], strict=True):
            if start >= until:
                break
            longest = max(longest, start - calm_since)
            calm_since = max(calm_since, end)
        return max(longest, until - calm_since)

    def _note_process(self, record: Started) -> None:
        if record.what == "paused":
            self._pauses[record.process] = (record.at, inf)
        elif record.what == "resumed" and record.process in self._pauses:
            self._pauses[record.process] = (self._pauses[record.process][0], record.at)
        if record.what in ("started", "resumed"):
            self._up.add(record.process)
        else:
            self._up.discard(record.process)
        if not self._up:
            self._down_since = record.at if self._down_since is None else self._down_since
            return
        self._disturbed(record.at, record.at + AFTER_PROCESSES_AND_REQUESTS)
        self._down_since = None

    def _disturbed(self, start: float, end: float) -> None:
        """What strikes while every engine is down makes that time no worse."""
        self._starts.append(start if self._down_since is None else self._down_since)
        self._ends.append(max(end, self._ends[-1]) if self._ends else end)
