"""The folder in which one `moorage up` keeps its cluster, and which says where it listens."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from moorage.failure import ExitCode, Failure


def default_state_directory() -> Path:
    return platformdirs.user_state_path("moorage")


def read_endpoints(directory: Path) -> Mapping[str, str] | None:
    """What the stack on this folder last announced, None where there never was one."""
    try:
        text = (directory / "endpoints.json").read_text(encoding="utf-8")
    except OSError:
        return None
    try:
        return {str(name): str(place) for name, place in json.loads(text).items()}
    except (ValueError, AttributeError) as error:
        raise Failure(
            f"{directory / 'endpoints.json'} is damaged: {error}",
            details=["start `moorage up` again: it writes the file anew"],
        ) from error


@contextmanager
def claimed(directory: Path) -> Iterator[None]:
    """Holds the folder for this process; the kernel lets go of it even after `kill -9`.

    Raises Failure where another process holds it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise _held(directory, file.read().strip()) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _held(directory: Path, holder: str) -> Failure:
    return Failure(
        f"moorage is already up on {directory}" + (f" (process {holder})" if holder else ""),
        details=["use it as it is, or give another --state-dir to run a second one"],
        exit_code=ExitCode.INVALID,
    )
