"""A lifecycle as one table: rows that say which phase comes next.

Rows of one phase are tried from the top, and the first whose guard says yes is taken; a phase's
last ``observe`` row keeps it where it is. The table feeds one ``transitions.Machine`` without
models or callbacks; triggers are called on a throw-away cursor. So a step costs microseconds, and
a machine's state is a value that can be stored.
"""

import logging
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from transitions import Machine, MachineError

from engine.trigger import Trigger

logging.getLogger("transitions").setLevel(logging.WARNING)

T = TypeVar("T")
O = TypeVar("O")  # noqa: E741 - T and O: the thing and what was observed of its world
P = TypeVar("P", bound=StrEnum)


class Row(NamedTuple, Generic[T, O, P]):
    """``destination`` None keeps the machine where it is."""

    trigger: Trigger
    source: P
    guard: Callable[[T, O], bool] | None
    destination: P | None


def observed(source: P, *rows: tuple[Callable[[T, O], bool], P]) -> tuple[Row[T, O, P], ...]:
    """All that a look can lead to from ``source``, which it keeps where no guard says yes."""
    moves = (Row(Trigger.OBSERVE, source, guard, to) for guard, to in rows)
    return (*moves, Row(Trigger.OBSERVE, source, None, None))


class IllegalTransition(Exception):
    """No row for this trigger in this phase: a defect of the table, not of the world."""


class Table(Generic[T, O, P]):
    def __init__(self, phases: type[P], rows: Sequence[Row[T, O, P]]) -> None:
        self._rows = rows
        self._machine = Machine(
            model=None, states=phases, initial=next(iter(phases)), auto_transitions=False
        )
        for row in rows:
            self._machine.add_transition(
                row.trigger.value,
                row.source,
                row.destination,
                conditions=[] if row.guard is None else [row.guard],
            )

    def next_phase(self, thing: T, phase: P, trigger: Trigger, observation: O) -> P:
        """Where the machine goes from ``phase``; raises IllegalTransition where no row says."""
        cursor = _Cursor(phase)
        try:
            self._machine.events[trigger.value].trigger(cursor, thing, observation)
        except MachineError as error:
            raise IllegalTransition(f"no row for {trigger} in {phase}") from error
        return cursor.state

    def legal(self, trigger: Trigger, phase: P) -> bool:
        """Whether it has a row for it; commands are refused where it has none."""
        return any(row.trigger is trigger and row.source is phase for row in self._rows)


class _Cursor(Generic[P]):
    """What ``transitions`` moves: it exists for one step."""

    def __init__(self, state: P) -> None:
        self.state = state
