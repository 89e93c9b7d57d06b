"""Counts what a run comes to, record by record."""

from engine.phase import Phase
from moorage.simulation.outcome import Counts, Passed
from simulator.history import Call, Commit, Record, Struck


class Tally:
    """Counts as it goes."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.passages: list[Passed] = []
        self._fault = ""

    def add(self, record: Record) -> None:
        match record:
            case Call():
                self.counts.api_calls += 1
            case Commit():
                self.counts.commits += 1
                if record.now["kind"] == "Workspace":
                    self._passed(record)
            case Struck():
                self._fault = record.code
                self.counts.faults[record.code] += 1

    def _passed(self, commit: Commit) -> None:
        status = commit.now.get("status", {})
        before = (commit.before or {}).get("status", {}).get("phase", "")
        phase = status.get("phase", "")
        if phase in ("", before):
            return
        source = before or Phase.PENDING.value
        if source != phase:
            self.counts.transitions[source, phase] += 1
        self.counts.triples[source, phase, self._fault] += 1
        self.passages.append(
            Passed(
                at=commit.at,
                workspace=commit.now["metadata"]["name"],
                source=source,
                destination=phase,
                reason=status.get("reason", ""),
            )
        )
