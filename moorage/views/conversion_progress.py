"""How far a conversion of weights is, on a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from moorage.terminal import notes


@contextmanager
def conversion_progress(model: str) -> Iterator[Callable[[int, int], None]]:
    """Yields what is told how many weights are done, of how many; a pipe is shown nothing."""
    console = notes()
    columns = (
        TextColumn("converting {task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as it:
        task = it.add_task(model, total=None)
        yield lambda done, total: it.update(task, completed=done, total=total)
