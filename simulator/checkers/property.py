"""What a property is: a statement about histories, and the one function that judges it.

A check yields breaches; whoever runs it knows which property it judges, and when.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from simulator.checkers.case import Case
from simulator.history import History


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """``facts`` are the two that cannot both be right, in words."""

    property: str
    at: float
    subject: str
    facts: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Breach:
    """What a check found: about what, and the two facts that cannot both be right."""

    subject: str
    expected: str
    found: str


Check = Callable[[Case, Any], Iterator[Breach]]


def stateless(check: Check) -> Callable[[], Check]:
    """For a property whose check remembers nothing."""
    return lambda: check


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordProperty:
    """Judged as each record of these types is added, when the case already knows of it.

    ``check`` makes one for each run, so that it may remember. ``kinds`` narrows commits and calls
    to objects of these kinds; empty means every kind.
    """

    id: str
    statement: str
    records: tuple[type, ...]
    check: Callable[[], Check]
    kinds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalProperty:
    """Judged once, when faults have been off for as long as anything may take."""

    id: str
    statement: str
    check: Callable[[Case], Iterator[Breach]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedProperty:
    """Judged on two histories: a reference, and one in which something was done differently."""

    id: str
    statement: str
    check: Callable[[History, History], Iterator[Breach]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedProperty:
    """Stated, and judged by no function of its own, ``because`` of this."""

    id: str
    statement: str
    because: str


Property = RecordProperty | FinalProperty | ComparedProperty | StatedProperty
