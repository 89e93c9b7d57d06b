"""A copy of the packages that a patch touches, with the patch applied, ahead of the originals."""

import importlib
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
BUGS = HERE / "bugs"
BENIGN = HERE / "benign"

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        "aiohttp.web",
        "azure.identity.aio",
        "azure.mgmt.containerservice.aio",
        "cel_expr_python.cel",
        "grpc.aio",
        "kubernetes.aio.client",
        "pydantic",
        "transitions",
        "tritonclient.grpc.aio",
    ]
)
"""What takes longest to import is the same in every mutant."""

Event = dict[str, Any]

_TOUCHED = re.compile(r"^\+\+\+ b/([^/\n]+)/", re.MULTILINE)


class DoesNotApply(Exception):
    """The patch does not fit the tree any more; the message is git's."""


class HuntFailed(Exception):
    """The mutant could not even run; the message is the end of its traceback."""


def patch_of(shape: str) -> Path:
    """The patch that plants a shape. Raises FileNotFoundError."""
    found = sorted(BUGS.glob(f"{shape}-*.patch"))
    if len(found) != 1:
        raise FileNotFoundError(f"{shape} has {len(found)} patches in {BUGS}")
    return found[0]


def check(patch: Path) -> None:
    """Raises DoesNotApply."""
    _git_apply(patch, ROOT, "--check")


@contextmanager
def mutated(patch: Path | None) -> Iterator[list[str]]:
    """Where a process finds the mutant's packages; without a patch, the tree as it is."""
    with tempfile.TemporaryDirectory(prefix="planted-") as directory:
        copy = Path(directory)
        if patch is not None:
            for package in sorted(set(_TOUCHED.findall(patch.read_text()))):
                shutil.copytree(ROOT / package, copy / package)
            _git_apply(patch, copy)
        yield [str(copy), str(ROOT)]


def hunting(patch: Path | None, task: Event) -> Iterator[Event]:
    """What a hunt on the mutant meets, as it happens. Raises HuntFailed."""
    receiver, sender = _FORKS.Pipe(duplex=False)
    with mutated(patch) as path:
        process = _FORKS.Process(target=_hunt, args=(path, task, sender), daemon=True)
        process.start()
        sender.close()
        try:
            while True:
                event = receiver.recv()
                if "failed" in event:
                    raise HuntFailed(event["failed"])
                yield event
        except EOFError:
            return
        finally:
            process.terminate()
            process.join()


def _hunt(path: list[str], task: Event, told: Connection) -> None:
    """In the process of the mutant, which has not imported any of our packages so far."""
    sys.path[:0] = path
    try:
        hunt = importlib.import_module("tests.planted.hunt").hunt
        for event in hunt(task):
            told.send(event)
    except Exception:  # noqa: BLE001 - whatever it is, the mutant is no use
        told.send({"failed": traceback.format_exc()[-800:]})


def _git_apply(patch: Path, directory: Path, *options: str) -> None:
    done = subprocess.run(
        ["git", "apply", *options, str(patch)],
        cwd=directory,
        env={**os.environ, "GIT_CEILING_DIRECTORIES": str(directory.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise DoesNotApply(f"{patch.name}: {done.stderr.strip()}")
