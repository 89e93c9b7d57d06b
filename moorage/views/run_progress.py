"""How far many runs are, on a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from moorage.terminal import notes


@contextmanager
def run_progress(what: str, *, total: int | None) -> Iterator[Callable[[str], None]]:
    """Yields what is called after each run, with how things stand; a pipe is shown nothing."""
    console = notes()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TextColumn("elapsed,"),
        TimeRemainingColumn(),
        TextColumn("to go"),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as it:
        task = it.add_task(what, total=total, rate="", note="")

        def advance(note: str) -> None:
            speed = it.tasks[0].speed
            it.update(task, advance=1, note=note, rate=f"{speed:.1f}/s" if speed else "")

        yield advance
