"""What a check before the start found."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """``WARNING`` lets Moorage start, and something will not work; ``MISSING`` does not."""

    OK = "ok"
    WARNING = "warning"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """``remedy`` is what to do about it, "" where all is well."""

    check: str
    level: Level
    found: str
    remedy: str = ""


def ok(check: str, found: str) -> Finding:
    return Finding(check=check, level=Level.OK, found=found)


def warning(check: str, found: str, remedy: str) -> Finding:
    return Finding(check=check, level=Level.WARNING, found=found, remedy=remedy)


def missing(check: str, found: str, remedy: str) -> Finding:
    return Finding(check=check, level=Level.MISSING, found=found, remedy=remedy)
