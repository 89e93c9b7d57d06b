"""Every property, judged on a cluster as far as what the cluster remembers allows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from moorage.simulation.observed import SETTLED_SECONDS, Cluster, at_rest, present, remembered
from simulator.checkers.judge import judge
from simulator.checkers.properties import PROPERTIES
from simulator.checkers.property import ComparedProperty, Property, StatedProperty, Violation
from simulator.history import History

JUDGED_ON: Mapping[Callable[[Cluster], History], tuple[str, ...]] = {
    present: ("S2", "S3", "S11", "S17", "N8", "L2", "L12", "O1"),
    remembered: ("S6", "O3"),
    at_rest: ("S4", "S20", "L1", "O2", "O4"),
}

_REQUESTS = "clusters do not remember requests"
_CALLS = "nobody records calls and streams"
_POOLS = "Azure, not the cluster, remembers agent pools"
_GONE = "clusters do not remember what is gone"
_CHANGES = "clusters do not remember who changed what, and when"
WHY_NOT: Mapping[str, str] = {
    **dict.fromkeys(("S5", "S8", "S9", "S16", "L5"), _REQUESTS),
    **dict.fromkeys(("Q1", "Q2", "Q3", "Q4", "Q5", "Q6"), _CALLS),
    **dict.fromkeys(("S1", "S10", "L6"), _GONE),
    **dict.fromkeys(("N1", "N2", "N3", "N6", "N7"), _POOLS),
    "N4": _CHANGES,
    "N5": "a deadline is an instant of the run's own time",
    **dict.fromkeys(("S7", "S13", "S14", "S15"), _CHANGES),
    "S12": "how things stood when it became Ready is not remembered; L1 judges how they stand",
    "S18": "which values are secret is known in simulation alone",
    "L4": "nothing says that a cluster is left alone",
    "L8": "clusters do not remember when engines started",
    "D1": "unhandled errors are in the engines' logs",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """``why_not`` is why it is not judged, "" where it is."""

    id: str
    statement: str
    violations: tuple[Violation, ...] = ()
    why_not: str = ""

    @property
    def word(self) -> str:
        if self.why_not:
            return "not judged"
        return "violated" if self.violations else "holds"


def verdicts(cluster: Cluster) -> tuple[Verdict, ...]:
    """One for each property, in the table's order."""
    found = list(_violations(cluster))
    return tuple(
        Verdict(
            id=one.id,
            statement=one.statement,
            violations=tuple(it for it in found if it.property == one.id),
            why_not=_why_not(one, cluster),
        )
        for one in PROPERTIES
    )


def confirmed(first: Sequence[Verdict], second: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """The second look, with those violations alone that the first one showed too."""
    earlier = {(it.property, it.subject) for verdict in first for it in verdict.violations}
    return tuple(
        replace(
            verdict,
            violations=tuple(
                it for it in verdict.violations if (it.property, it.subject) in earlier
            ),
        )
        for verdict in second
    )


def _violations(cluster: Cluster) -> Iterator[Violation]:
    for history_of, ids in JUDGED_ON.items():
        properties = [one for one in PROPERTIES if one.id in ids]
        yield from judge(history_of(cluster), properties)


def _why_not(one: Property, cluster: Cluster) -> str:
    if isinstance(one, ComparedProperty):
        return "it compares two runs"
    if isinstance(one, StatedProperty):
        return one.because
    if one.id not in WHY_NOT and not (cluster.workspaces or cluster.objects):
        return "there are no workspaces"
    if one.id in JUDGED_ON[at_rest] and not cluster.settled().workspaces:
        return f"no workspace has been Ready for {SETTLED_SECONDS / 60:.0f} minutes"
    return WHY_NOT.get(one.id, "")
