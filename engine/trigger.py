"""What makes a machine step: a look at the world, or a command."""

from enum import StrEnum


class Trigger(StrEnum):
    OBSERVE = "observe"
    RETRY = "retry"
