"""The engine's errors.

EngineError
├── NotFound            no such workspace
├── AlreadyExists       the name is taken
├── Stale               somebody else wrote in between
├── IllegalCommand      the workspace's phase does not allow it
├── TokenExpired        the rest of a list can no longer be had
├── WatchExpired        the store no longer remembers that far back
├── Refused             the store's own admission said no
├── Unreachable         the world could not be asked; worth another try
└── ActionFailed        one action could not be performed; becomes part of what is observed
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One thing wrong with a request; ``field`` is a path such as ``inference.preset.name``."""

    field: str
    description: str


class EngineError(Exception):
    """Every error that the engine's callers meet."""


class NotFound(EngineError):
    def __init__(self, name: str) -> None:
        super().__init__(f"workspace {name} does not exist")
        self.name = name


class AlreadyExists(EngineError):
    def __init__(self, name: str) -> None:
        super().__init__(f"workspace {name} exists already")
        self.name = name


class Stale(EngineError):
    def __init__(self, name: str) -> None:
        super().__init__(f"workspace {name} has changed since it was read: read it again")
        self.name = name


class IllegalCommand(EngineError):
    def __init__(self, name: str, command: str, phase: str) -> None:
        super().__init__(f"workspace {name} cannot {command} while it is {phase}")
        self.name, self.command, self.phase = name, command, phase


class TokenExpired(EngineError):
    """Start the list again."""


class WatchExpired(EngineError):
    """List again, and watch from there."""


class Refused(EngineError):
    def __init__(self, message: str, violations: Sequence[Violation] = ()) -> None:
        super().__init__(message)
        self.violations = tuple(violations)


class Unreachable(EngineError):
    """Raised by adapters, with the cause chained."""


class ActionFailed(EngineError):
    """``code`` is the world's own word for what happened, such as a Kubernetes reason."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code
