"""Judges a history as it is written: every property, at every record that could break it."""

from collections.abc import Iterable, Sequence

from simulator.checkers.case import Case
from simulator.checkers.properties import PROPERTIES
from simulator.checkers.property import (
    Breach,
    Check,
    FinalProperty,
    Property,
    RecordProperty,
    Violation,
)
from simulator.history import Call, Commit, History, Milestone, Record

NamedCheck = tuple[str, Check]


class Judge:
    """Reads along from now on; ``violations`` has the first of each property and subject.

    ``history`` may hold records already: they are judged first.
    """

    def __init__(self, history: History, properties: Sequence[Property] = PROPERTIES) -> None:
        self._case = Case(history)
        self._found: dict[tuple[str, str], Violation] = {}
        self._final = [one for one in properties if isinstance(one, FinalProperty)]
        self._checks = _by_type(one for one in properties if isinstance(one, RecordProperty))
        self._over = False
        history.readers.append(self._read)

    @property
    def violations(self) -> tuple[Violation, ...]:
        return tuple(self._found.values())

    def finish(self) -> tuple[Violation, ...]:
        """Judges the end too; a history that does not say that it is over is taken to be."""
        if not self._over:
            self._judge(Milestone(at=self._case.now, name="over"))
        for final in self._final:
            self._keep(final.id, final.check(self._case), self._case.now)
        return self.violations

    def _read(self, record: Record) -> None:
        self._case.note(record)
        self._judge(record)

    def _judge(self, record: Record) -> None:
        self._over = self._over or (isinstance(record, Milestone) and record.name == "over")
        by_kind = self._checks.get(type(record))
        if by_kind is None:
            return
        for property_id, check in by_kind.get(_kind(record), by_kind[""]):
            self._keep(property_id, check(self._case, record), record.at)

    def _keep(self, property_id: str, breaches: Iterable[Breach], at: float) -> None:
        for breach in breaches:
            violation = Violation(
                property=property_id,
                at=at,
                subject=breach.subject,
                facts=(breach.expected, breach.found),
            )
            self._found.setdefault((property_id, breach.subject), violation)


def _kind(record: Record) -> str:
    if isinstance(record, Commit):
        return str(record.now["kind"])
    return record.kind if isinstance(record, Call) else ""


def _by_type(properties: Iterable[RecordProperty]) -> dict[type, dict[str, list[NamedCheck]]]:
    """The checks by type of record and kind of object; "" for kinds that none names."""
    listed = [(one, (one.id, one.check())) for one in properties]
    kinds = {"", *(kind for one, _ in listed for kind in one.kinds)}
    return {
        record: {
            kind: [check for one, check in listed if _concerns(one, record, kind)] for kind in kinds
        }
        for record in {record for one, _ in listed for record in one.records}
    }


def _concerns(one: RecordProperty, record: type, kind: str) -> bool:
    if record not in one.records:
        return False
    return not one.kinds or kind in one.kinds or record not in (Commit, Call)


def judge(history: History, properties: Sequence[Property] = PROPERTIES) -> tuple[Violation, ...]:
    """What is wrong with a history that is complete."""
    replayed = History()
    found = Judge(replayed, properties)
    for record in history.records:
        replayed.add(record)
    return found.finish()
