"""Where commands write: results on standard output, everything about them on standard error."""

import sys
from typing import TextIO

from rich.console import Console

UNLIMITED_WIDTH = 10_000


def results() -> Console:
    return _console(sys.stdout)


def notes() -> Console:
    return _console(sys.stderr)


def _console(file: TextIO) -> Console:
    """Into a file or a pipe nothing is cut, wrapped or coloured: a program may read it."""
    width = None if file.isatty() else UNLIMITED_WIDTH
    return Console(file=file, width=width, highlight=False, soft_wrap=False)
