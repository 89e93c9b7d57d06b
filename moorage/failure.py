"""How a command ends that did not succeed: in words for people, in a code for scripts."""

from collections.abc import Sequence
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every command; 0 is success."""

    FAILED = 1
    INVALID = 2
    NOT_FOUND = 3
    UNREACHABLE = 4


class Failure(Exception):
    """Ends the command; ``details`` are further lines, such as one for each wrong field."""

    def __init__(
        self,
        message: str,
        *,
        details: Sequence[str] = (),
        exit_code: ExitCode = ExitCode.FAILED,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.details = tuple(details)
        self.exit_code = exit_code
