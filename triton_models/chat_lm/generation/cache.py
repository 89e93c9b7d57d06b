"""Keys and values of all slots, in memory that never moves, of the machine or of a GPU.

For each layer and part (key, value) there is one tensor [slots, heads, capacity, head size], so
that neighbouring slots are one piece of memory.
"""

import ctypes
import ctypes.util
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from .prefix_cache import Block

_CUDA_MEMCPY_DEFAULT = 4  # the runtime tells by the addresses which memory is whose


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """``kind`` is numpy's name of a float type."""

    tensors: int
    slots: int
    heads: int
    capacity: int
    head_size: int
    kind: str

    @property
    def slot_shape(self) -> tuple[int, int, int]:
        return self.heads, self.capacity, self.head_size

    @property
    def token_bytes(self) -> int:
        """Of one head."""
        return self.head_size * np.dtype(self.kind).itemsize

    @property
    def slot_bytes(self) -> int:
        return self.heads * self.capacity * self.token_bytes


class Cache(Protocol):
    """``device`` is onnxruntime's name for where it is."""

    device: str
    device_id: int

    def address(self, tensor: int, slot: int) -> int: ...

    def copy(self, source: int, target: int, length: int) -> None:
        """Copies the first ``length`` tokens of one slot over another's."""
        ...

    def read(self, slot: int, start: int, end: int) -> Block:
        """A copy of a slot's tokens from one to before another: [tensors, heads, tokens, size]."""
        ...

    def write(self, slot: int, start: int, block: Block) -> None: ...


class HostCache:
    device, device_id = "cpu", 0

    def __init__(self, size: Size) -> None:
        # calloc'ed: memory is used only as far as slots are filled.
        shape = (size.tensors, size.slots, *size.slot_shape)
        self._values: NDArray[np.generic] = np.zeros(shape, size.kind)

    def address(self, tensor: int, slot: int) -> int:
        return int(self._values[tensor, slot].ctypes.data)

    def copy(self, source: int, target: int, length: int) -> None:
        self._values[:, target, :, :length] = self._values[:, source, :, :length]

    def read(self, slot: int, start: int, end: int) -> Block:
        return self._values[:, slot, :, start:end].copy()

    def write(self, slot: int, start: int, block: Block) -> None:
        self._values[:, slot, :, start : start + block.shape[2]] = block


@dataclass(frozen=True, slots=True)
class Rows:
    """Where rows of bytes are: the first one's address, and how far apart they begin."""

    address: int
    pitch: int


class Memory(Protocol):
    """Of a device. ``copy`` takes bytes: rows of ``width``."""

    device: str
    device_id: int

    def allocate(self, size_bytes: int) -> int:
        """The address of so many bytes, which stay for as long as this does. MemoryError."""
        ...

    def copy(self, target: Rows, source: Rows, *, width: int, rows: int) -> None: ...


class DeviceCache:
    def __init__(self, size: Size, memory: Memory) -> None:
        self.device, self.device_id = memory.device, memory.device_id
        self._size = size
        self._memory = memory
        whole = size.slots * size.slot_bytes
        self._tensors = [memory.allocate(whole) for _ in range(size.tensors)]

    def address(self, tensor: int, slot: int) -> int:
        return self._tensors[tensor] + slot * self._size.slot_bytes

    def copy(self, source: int, target: int, length: int) -> None:
        width = length * self._size.token_bytes
        for tensor in range(self._size.tensors):
            rows = self._rows(tensor, target), self._rows(tensor, source)
            self._memory.copy(*rows, width=width, rows=self._size.heads)

    def read(self, slot: int, start: int, end: int) -> Block:
        size = self._size
        block = np.empty((size.tensors, size.heads, end - start, size.head_size), size.kind)
        width = (end - start) * size.token_bytes
        for tensor, values in enumerate(block):
            rows = Rows(values.ctypes.data, width), self._rows(tensor, slot, start)
            self._memory.copy(*rows, width=width, rows=size.heads)
        return block

    def write(self, slot: int, start: int, block: Block) -> None:
        width = block.shape[2] * self._size.token_bytes
        for tensor, values in enumerate(np.ascontiguousarray(block)):
            rows = self._rows(tensor, slot, start), Rows(values.ctypes.data, width)
            self._memory.copy(*rows, width=width, rows=self._size.heads)

    def _rows(self, tensor: int, slot: int, start: int = 0) -> Rows:
        """A row for each head, from a token on."""
        address = self.address(tensor, slot) + start * self._size.token_bytes
        return Rows(address, self._size.capacity * self._size.token_bytes)


class CudaMemory:
    """Allocated by onnxruntime, copied by CUDA's runtime (``cudaMemcpy2D``). Raises OSError."""

    device = "cuda"

    def __init__(self, device_id: int) -> None:
        self.device_id = device_id
        self._runtime = ctypes.CDLL(ctypes.util.find_library("cudart") or "libcudart.so.12")
        self._allocated: list[onnxruntime.OrtValue] = []

    def allocate(self, size_bytes: int) -> int:
        value = onnxruntime.OrtValue.ortvalue_from_shape_and_type(
            [size_bytes], np.uint8, self.device, self.device_id
        )
        self._allocated.append(value)
        return int(value.data_ptr())

    def copy(self, target: Rows, source: Rows, *, width: int, rows: int) -> None:
        failure = self._runtime.cudaMemcpy2D(
            ctypes.c_void_p(target.address),
            ctypes.c_size_t(target.pitch),
            ctypes.c_void_p(source.address),
            ctypes.c_size_t(source.pitch),
            ctypes.c_size_t(width),
            ctypes.c_size_t(rows),
            _CUDA_MEMCPY_DEFAULT,
        )
        if failure:
            raise MemoryError(f"cudaMemcpy2D failed with error {failure} on GPU {self.device_id}")
