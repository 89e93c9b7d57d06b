"""What a property is: a statement about histories, and the one function that judges it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from simulator.history import History, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """``facts`` are the two that cannot both be right, in words."""

    property: str
    at: float
    subject: str
    facts: tuple[str, str]




@dataclass(frozen=True, slots=True, kw_only=True)
class RecordProperty:
    """Judged as each record is added; the history already holds it."""

    id: str
    statement: str
    records: tuple[type, ...]
    check: Callable[[History, Record], Iterator[Violation]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalProperty:
    """Judged once, when faults have been off for as long as anything may take."""

    id: str
    statement: str
    check: Callable[[History], Iterator[Violation]]


Property = RecordProperty | FinalProperty
