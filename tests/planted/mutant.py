"""A copy of the packages that a patch touches, with the patch applied, ahead of the originals."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
BUGS = HERE / "bugs"
BENIGN = HERE / "benign"

_TOUCHED = re.compile(r"^\+\+\+ b/([^/\n]+)/", re.MULTILINE)


class DoesNotApply(Exception):
    """The patch does not fit the tree any more; the message is git's."""


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
def mutated(patch: Path | None) -> Iterator[dict[str, str]]:
    """The environment of a process that imports the mutant; without a patch, the tree as it is."""
    with tempfile.TemporaryDirectory(prefix="planted-") as directory:
        copy = Path(directory)
        if patch is not None:
            for package in sorted(set(_TOUCHED.findall(patch.read_text()))):
                shutil.copytree(ROOT / package, copy / package)
            _git_apply(patch, copy)
        yield {**os.environ, "PYTHONPATH": os.pathsep.join((str(copy), str(ROOT)))}


def start(
    module: str, environment: dict[str, str], *, complaints: IO[str]
) -> "subprocess.Popen[str]":
    """``-P`` keeps the working directory, and so the original, off the path."""
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=complaints,
        text=True,
    )


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
