"""Gets the machine ready to serve real models, and says what it does meanwhile."""

import os
from pathlib import Path

import platformdirs
from rich.console import Console
from rich.status import Status

from moorage.failure import Failure
from moorage.terminal import notes
from simulator.kubelet import triton_installation
from simulator.kubelet.triton_installation import InstallationError


def cache_directory() -> Path:
    """Everything that is downloaded; may be removed at any time while nothing runs."""
    return Path(os.environ.get("MOORAGE_CACHE_DIR") or platformdirs.user_cache_path("moorage"))


def prepare(cache: Path) -> None:
    """Installs what is missing below ``cache``. Where Triton cannot run, says why and returns.

    Raises Failure where a download or its installation failed.
    """
    console = notes()
    if (reason := triton_installation.unsupported_reason()) is not None:
        console.print(f"models stay simulated on this machine: {reason}", style="yellow")
        return
    if triton_installation.find(cache) is not None:
        return
    console.print(f"downloading what serves real models into {cache}, once")
    try:
        with console.status("starting") as status:
            triton_installation.install(cache, lambda line: _show(console, status, line))
    except InstallationError as error:
        raise Failure(
            f"Triton could not be installed: {error}",
            details=["try again; what was downloaded completely is kept"],
        ) from error


def _show(console: Console, status: Status, line: str) -> None:
    """Steps stay on the screen; their details pass by, except where nothing can pass."""
    is_step = not line.startswith(" ")
    if is_step or not console.is_terminal:
        console.print(line, markup=False)
    status.update(line.strip().replace("[", r"\["))


if __name__ == "__main__":
    prepare(cache_directory())
