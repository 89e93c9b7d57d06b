"""Weights that are there already, on a mounted volume: a Hugging Face folder or a GGUF file."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from triton_models.chat_lm.generation.manifest import SamplingDefaults, Source, sha256_of
from triton_models.conversion.artefacts import open_checkpoint

from .download import FetchError

UNKNOWN_LICENCE = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalWeights:
    """Weights at a path, with what was found out of them."""

    path: Path
    source: Source
    defaults: SamplingDefaults


def local_weights(path: Path, *, licence: str | None) -> LocalWeights:
    """Looks at the weights at ``path``, and reads them once for their checksum.

    Their own word on their licence counts where ``licence`` is None. Raises FetchError,
    UnsupportedWeights, OSError.
    """
    if not path.exists():
        raise FetchError(f"{path} does not exist: is its volume mounted?")
    checkpoint = open_checkpoint(path)
    source = Source(
        origin=str(path),
        file=", ".join(file.name for file in checkpoint.files),
        sha256=_checksum(checkpoint.files),
        licence=licence or checkpoint.licence or UNKNOWN_LICENCE,
    )
    return LocalWeights(path=path, source=source, defaults=checkpoint.sampling_defaults)


def _checksum(files: tuple[Path, ...]) -> str:
    """The SHA-256 of a file; of several, that of their names and checksums as sha256sum lists."""
    if len(files) == 1:
        return sha256_of(files[0])
    listed = "".join(f"{sha256_of(file)}  {file.name}\n" for file in files)
    return hashlib.sha256(listed.encode()).hexdigest()
