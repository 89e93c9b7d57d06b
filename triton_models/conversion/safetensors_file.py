"""Reads safetensors files, bfloat16 included, which numpy has no type for.

Format: https://huggingface.co/docs/safetensors (a header's length as a little-endian 64-bit
number, the header as JSON, the tensors' bytes).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .checkpoint import UnsupportedWeights, Weight

_LENGTH_BYTES = 8
_BFLOAT16 = "BF16"  # the upper half of a float32
_TYPES: Mapping[str, str] = {"F32": "<f4", "F16": "<f2", _BFLOAT16: "<u2"}


class SafetensorsFile:
    """One file, opened. Raises UnsupportedWeights, OSError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            header_bytes = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            self._start = _LENGTH_BYTES + header_bytes
            self._size = path.stat().st_size
            if self._start > self._size:
                raise UnsupportedWeights(f"{path} is cut short or is not a safetensors file")
            header = _parse(file.read(header_bytes), path)
        self._tensors = {name: one for name, one in header.items() if name != "__metadata__"}
        self.shapes: Mapping[str, tuple[int, ...]] = {
            name: tuple(one["shape"]) for name, one in self._tensors.items()
        }

    def tensor(self, name: str) -> Weight:
        """A tensor as float32. Raises UnsupportedWeights, OSError."""
        described = self._tensors[name]
        stored = described["dtype"]
        if stored not in _TYPES:
            raise UnsupportedWeights(
                f"tensor {name} in {self._path} is {stored}; {', '.join(_TYPES)} can be converted"
            )
        values = self._values(name, described)
        if stored == _BFLOAT16:
            return (values.astype(np.uint32) << 16).view(np.float32)
        return values.astype(np.float32)

    def _values(self, name: str, described: Mapping[str, Any]) -> NDArray[Any]:
        begin, end = described["data_offsets"]
        if self._start + end > self._size:
            raise UnsupportedWeights(f"{self._path} is cut short: tensor {name} is not whole")
        return np.memmap(
            self._path,
            dtype=_TYPES[described["dtype"]],
            mode="r",
            offset=self._start + begin,
            shape=tuple(described["shape"]),
        )


def _parse(header: bytes, path: Path) -> dict[str, Any]:
    try:
        parsed: dict[str, Any] = json.loads(header)
    except ValueError as error:
        raise UnsupportedWeights(f"{path} has no safetensors header: {error}") from error
    return parsed
