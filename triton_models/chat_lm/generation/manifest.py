"""The manifest: what a model's files are, where they came from, and that they are intact."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

MANIFEST_NAME = "manifest.json"
MANIFEST_FORMAT = 2
MODEL_NAME = "model.onnx"
MODEL_WITH_ADAPTERS_NAME = "model_with_adapters.onnx"  # of the same weights, in the same file
_READ_BYTES = 1 << 20


class ManifestError(Exception):
    """A model's files are not what its manifest says; the message names the file."""


class FloatType(StrEnum):
    """What a graph computes in, by numpy's name. Its cache and its adapters have the same type."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"


class Precision(StrEnum):
    """How a graph holds its weights."""

    FP32 = "fp32"
    FP16 = "fp16"
    INT8 = "int8"  # weights only, as in what follows: what flows between the linears is float32
    INT4 = "int4"  # exactly as they are, where they were published in four bits

    @property
    def float_type(self) -> FloatType:
        return FloatType.FLOAT16 if self is Precision.FP16 else FloatType.FLOAT32


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearPart:
    """One of the published model's linears: ``target`` is what PEFT calls it."""

    target: str
    inputs: int
    outputs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShape:
    """What the decoder must know of the graph it runs.

    ``sliding_windows`` has for each layer how many tokens it looks back on, itself included;
    0: all. ``begin_token`` starts every text, and ``end_tokens`` end an answer, the tokenizer's own
    first. ``linears`` has the parts of each linear of a layer, by its name in the graph; the
    results of its parts lie side by side in its own.
    """

    layers: int
    key_value_heads: int
    head_size: int
    context_length: int
    vocabulary_size: int
    float_type: FloatType
    sliding_windows: tuple[int, ...]
    begin_token: int | None
    end_tokens: tuple[int, ...]
    linears: Mapping[str, tuple[LinearPart, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingDefaults:
    """What a request gets that does not say how to sample: the model's own recommendation."""

    temperature: float
    top_p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the weights came from."""

    origin: str
    file: str
    sha256: str
    licence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    precision: Precision
    shape: ModelShape
    defaults: SamplingDefaults
    source: Source
    made_with: Mapping[str, str]
    files: Mapping[str, FileRecord]


def record(path: Path) -> FileRecord:
    """The size and checksum of one file. Raises OSError."""
    return FileRecord(size_bytes=path.stat().st_size, sha256=sha256_of(path))


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal. Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_READ_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def write_manifest(manifest: Manifest, directory: Path) -> None:
    """Writes the manifest of the files in ``directory``. Raises OSError."""
    document = {"format": MANIFEST_FORMAT, **asdict(manifest)}
    text = json.dumps(document, indent=2) + "\n"
    (directory / MANIFEST_NAME).write_text(text, encoding="utf-8")


def read_manifest(directory: Path) -> Manifest:
    """The manifest in ``directory``; its files are not looked at. Raises ManifestError."""
    path = directory / MANIFEST_NAME
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ManifestError(f"{path} is not JSON: {error}") from error
    return _parse(document, path)


def verify(directory: Path) -> Manifest:
    """The manifest in ``directory``, whose files are all intact. Raises ManifestError."""
    manifest = read_manifest(directory)
    for name, expected in manifest.files.items():
        _verify_file(directory / name, expected)
    return manifest


def _verify_file(path: Path, expected: FileRecord) -> None:
    try:
        size_bytes = path.stat().st_size
        if size_bytes != expected.size_bytes:
            raise ManifestError(
                f"{path} has {size_bytes} bytes where its manifest says {expected.size_bytes}: "
                "delete the model's folder and build it again"
            )
        if sha256_of(path) != expected.sha256:
            raise ManifestError(
                f"{path} is corrupt, its checksum differs from its manifest's: "
                "delete the model's folder and build it again"
            )
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror}") from error


def _parse(document: Any, path: Path) -> Manifest:
    try:
        if document["format"] != MANIFEST_FORMAT:
            raise ManifestError(
                f"{path} has format {document['format']}; this program reads {MANIFEST_FORMAT}"
            )
        return Manifest(
            precision=Precision(document["precision"]),
            shape=_parse_shape(document["shape"]),
            defaults=SamplingDefaults(**document["defaults"]),
            source=Source(**document["source"]),
            made_with=document["made_with"],
            files={name: FileRecord(**entry) for name, entry in document["files"].items()},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ManifestError(f"{path} is not a manifest: {error!r}") from error


def _parse_shape(document: Mapping[str, Any]) -> ModelShape:
    linears = {
        name: tuple(LinearPart(**part) for part in parts)
        for name, parts in document["linears"].items()
    }
    parsed = {
        "float_type": FloatType(document["float_type"]),
        "sliding_windows": tuple(document["sliding_windows"]),
        "end_tokens": tuple(document["end_tokens"]),
        "linears": linears,
    }
    return ModelShape(**{**document, **parsed})
