"""S11, S12, S18: what a status says is true, and says no secret."""

from collections.abc import Iterator
from typing import Any

from simulator.checkers.case import Case, Life
from simulator.checkers.property import Breach
from simulator.checkers.reading import (
    changes_status,
    condition,
    generation,
    is_engine,
    phase,
    ref,
    says_ready,
    status,
    uid,
)
from simulator.history import Commit, Milestone, Rpc
from simulator.kubernetes.status import Object

SENSE_SECONDS = 150.0
"""A change that no watch told of is seen at the next look, a minute later at most, or its retry."""


SECRET = "TAINTED-"  # noqa: S105 - the mark that secret values bear in simulation


def s11_generation_honesty(_: Case, commit: Commit) -> Iterator[Breach]:
    now, before = commit.now, commit.before
    if before is None or not changes_status(commit):
        return
    observed, current = _observed(now), generation(now)
    if observed < _observed(before):
        yield Breach(ref(now), f"generation {_observed(before)} was observed", f"now {observed} is")
    if not is_engine(commit.actor):
        return
    if observed != _observed(before) and phase(now) == phase(before):
        yield Breach(
            ref(now),
            f"it stayed in {phase(now)}, as planned from generation {_observed(before)}",
            f"generation {observed} is said to be observed",
        )
    stamps = [item.get("observedGeneration", 0) for item in status(now).get("conditions") or ()]
    latest = max([observed, *stamps])
    if latest > current:
        yield Breach(ref(now), f"its generation is {current}", f"{latest} is said to be observed")
    ready = condition(now, "WorkspaceReady")
    stamped = 0 if ready is None else ready.get("observedGeneration", 0)
    if says_ready(now) and stamped > observed and not _said_ready_of(before, stamped):
        yield Breach(
            ref(now),
            f"what is served was planned from generation {observed}",
            f"WorkspaceReady is True of generation {stamped}",
        )


def _said_ready_of(workspace: Object, stamped: int) -> bool:
    """Whether it said so before already: a breach is one edge, not every write after it."""
    ready = condition(workspace, "WorkspaceReady")
    return says_ready(workspace) and (ready or {}).get("observedGeneration", 0) == stamped


def _observed(workspace: Object) -> int:
    return int(status(workspace).get("observedGeneration", 0))


class TruthfulReady:
    """S12. Remembers since when each workspace says it is Ready and truly does not serve."""

    def __init__(self) -> None:
        self._untrue: dict[str, tuple[float, str]] = {}

    def __call__(self, case: Case, record: Commit | Milestone) -> Iterator[Breach]:
        if isinstance(record, Milestone):
            for life in case.present():
                yield from self._outlasted(case, life)
            return
        of_workspace = record.now["kind"] == "Workspace"
        whose = case.lives.get(uid(record.now)) if of_workspace else case.life_of(record.now)
        if whose is None:
            return
        if of_workspace and says_ready(record.now) and not says_ready(record.before):
            yield from self._on_edge(case, whose)
        if of_workspace and says_ready(record.before) and phase(record.now) == "Degraded":
            yield from _taken_back(case, whose)
        yield from self._outlasted(case, whose)

    def _on_edge(self, case: Case, life: Life) -> Iterator[Breach]:
        if life.unserving is None:
            return
        since, missing = life.unserving
        if case.quiet.longest(since, case.now) > case.quiet.oldest_sight(case.now):
            yield Breach(
                life.ref, f"since {since:.1f} it does not serve: {missing}", "it became Ready"
            )

    def _outlasted(self, case: Case, life: Life) -> Iterator[Breach]:
        """Judged when the lie ends, or at any news of the workspace while it lasts."""
        lies = life.unserving is not None and life.died is None and says_ready(life.workspace)
        told = self._untrue.get(life.uid)
        if told is not None and case.quiet.longest(told[0], case.now) > SENSE_SECONDS:
            yield Breach(
                life.ref,
                f"since {told[0]:.1f} it does not serve: {told[1]}",
                f"it still said Ready {case.now - told[0]:.0f} s later",
            )
        if not lies:
            self._untrue.pop(life.uid, None)
        elif told is None and life.unserving is not None:
            self._untrue[life.uid] = (case.now, life.unserving[1])


def _taken_back(case: Case, life: Life) -> Iterator[Breach]:
    """Whether a model speaks is not seen in objects: of that, the engine's word is taken."""
    if life.serving_since is None or status(life.workspace).get("reason") == "ModelSilent":
        return
    serves_for = case.now - life.serving_since
    if serves_for > case.quiet.oldest_sight(case.now):
        yield Breach(
            life.ref,
            f"nodes, GPUs, pods and Service have been there for {serves_for:.0f} s",
            f"it became Degraded: {status(life.workspace).get('message')}",
        )


def s18_no_secrets(_: Case, record: Commit | Rpc) -> Iterator[Breach]:
    if isinstance(record, Rpc):
        told: Any = record.response
        subject = f"{record.method} by {record.client}"
    elif record.now["kind"] == "Workspace":
        told = status(record.now)
        subject = ref(record.now)
        if record.before is not None and not changes_status(record):
            return
    else:
        told = record.now.get("message")
        subject = f"Event {ref(record.now)}"
    if told and SECRET in repr(told):
        yield Breach(subject, "secret values are told to nobody", f"a value {SECRET}… is in it")
