"""Answers that a server gives without waiting for anything: all but a pod's log and streams."""

from collections.abc import Awaitable
from typing import TypeVar

from simulator.virtual_time.event_loop import NotSimulated

A = TypeVar("A")


def at_once(answering: Awaitable[A]) -> A:
    """Raises NotSimulated where it waits nevertheless."""
    try:
        next(answering.__await__())
    except StopIteration as done:
        answer: A = done.value
        return answer
    raise NotSimulated("a request whose answer waits for something")
