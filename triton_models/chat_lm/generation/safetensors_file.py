"""Reads a ``.safetensors`` file: a length, a JSON header, and the tensors' bytes.

The format is described in the repository huggingface/safetensors. Its own package reads bfloat16
through torch alone, which is not wanted in a serving image.
"""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST_HEADER_BYTES = 100_000_000  # the format's own limit
_TYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.uint16}
_BFLOAT16_SHIFT = 16  # a bfloat16 is a float32 without its lower half


class UnreadableTensors(Exception):
    """A file that is not what it should be; the message names it."""


class SafetensorsFile:
    """A file, mapped into memory; tensors are read as they are asked for.

    Raises UnreadableTensors, OSError.
    """

    shapes: Mapping[str, tuple[int, ...]]

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries, start = _header(path)
        self.shapes = {name: tuple(entry["shape"]) for name, entry in self._entries.items()}
        self._content = np.memmap(path, np.uint8, mode="r", offset=start)

    def tensor(self, name: str) -> NDArray[np.float32]:
        """A tensor of floating point numbers. Raises UnreadableTensors, KeyError."""
        entry = self._entries[name]
        kind = _TYPES.get(entry["dtype"])
        if kind is None:
            raise UnreadableTensors(
                f"tensor {name} in {self._path} is {entry['dtype']}; "
                f"{', '.join(_TYPES)} can be read"
            )
        start, end = entry["data_offsets"]
        values = self._content[start:end].view(kind).reshape(entry["shape"])
        if entry["dtype"] == "BF16":
            return (values.astype(np.uint32) << _BFLOAT16_SHIFT).view(np.float32)
        return np.asarray(values, np.float32)


def _header(path: Path) -> tuple[dict[str, Any], int]:
    """What is in the file, by name, and where its tensors begin."""
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        prefix = file.read(8)
        if len(prefix) != 8:  # noqa: PLR2004 - a 64-bit length
            raise UnreadableTensors(f"{path} is too short for a safetensors file")
        (length,) = struct.unpack("<Q", prefix)
        if length > min(_MOST_HEADER_BYTES, size_bytes - 8):
            raise UnreadableTensors(f"{path} is cut short or is not a safetensors file")
        try:
            entries = json.loads(file.read(length))
        except ValueError as error:
            raise UnreadableTensors(f"{path} has a header that is not JSON: {error}") from error
    entries.pop("__metadata__", None)
    start = 8 + length
    for name, entry in entries.items():
        if start + entry["data_offsets"][1] > size_bytes:
            raise UnreadableTensors(f"{path} is cut short: tensor {name} is not whole")
    return entries, start
