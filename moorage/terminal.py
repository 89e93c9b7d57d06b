"""Where commands write: results on standard output, everything about them on standard error."""

import sys
from typing import TextIO

from rich.console import Console
from rich.table import Table

UNLIMITED_WIDTH = 10_000


def results() -> Console:
    return _console(sys.stdout)


def notes() -> Console:
    return _console(sys.stderr)


def print_table(table: Table) -> None:
    """Each row in one line, whatever the terminal's width: it wraps them, and can be searched."""
    Console(file=sys.stdout, width=UNLIMITED_WIDTH, highlight=False).print(table)


def _console(file: TextIO) -> Console:
    """Into a file or a pipe nothing is cut, wrapped or coloured: a program may read it."""
    width = None if file.isatty() else UNLIMITED_WIDTH
    return Console(file=file, width=width, highlight=False, soft_wrap=False)
