"""What a run comes to, and the shapes in which it is counted and told."""

from collections import Counter
from dataclasses import dataclass, field

from simulator.checkers.property import Violation
from simulator.faults.plan import Plan
from simulator.history import History

Triple = tuple[str, str, str]
"""The phase left, the phase entered, and the fault that struck last ("" where none did).

Of the triggers of a machine only its passages leave a trace; so the phase entered stands for one.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A workspace's stored phase became another; ``at`` in virtual seconds."""

    at: float
    workspace: str
    source: str
    destination: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Counts:
    """What a run, or a campaign of them, has been through."""

    runs: int = 0
    simulated_seconds: float = 0.0
    cpu_seconds: float = 0.0
    api_calls: int = 0
    commits: int = 0
    steps: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    transitions: Counter[tuple[str, str]] = field(default_factory=Counter)
    triples: Counter[Triple] = field(default_factory=Counter)

    def add(self, other: "Counts") -> None:
        self.runs += other.runs
        self.simulated_seconds += other.simulated_seconds
        self.cpu_seconds += other.cpu_seconds
        self.api_calls += other.api_calls
        self.commits += other.commits
        self.steps += other.steps
        self.faults += other.faults
        self.transitions += other.transitions
        self.triples += other.triples


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """``engine_steps`` is how many awaits of the first engine process there were to crash at."""

    plan: Plan
    trace_hash: str
    violations: tuple[Violation, ...]
    counts: Counts
    passages: tuple[Passed, ...]
    engine_steps: int
    history: History
