"""A device's memory is handled as the machine's own is."""

import ctypes

import numpy as np
import pytest

from triton_models.chat_lm.generation.cache import Cache, DeviceCache, HostCache, Size
from triton_models.chat_lm.generation.decoder import OnnxDecoder
from triton_models.chat_lm.generation.manifest import MODEL_NAME, read_manifest

SIZE = Size(tensors=4, slots=3, heads=2, capacity=8, head_size=5, kind="float32")


class OtherMemory:
    """Copies row by row, as cudaMemcpy2D does, in memory that a CPU can reach."""

    device, device_id = "cpu", 0

    def __init__(self) -> None:
        self._buffers: list = []

    def allocate(self, size_bytes: int) -> int:
        self._buffers.append(ctypes.create_string_buffer(size_bytes + 64))
        return ctypes.addressof(self._buffers[-1]) + 64 - ctypes.addressof(self._buffers[-1]) % 64

    def copy(self, target, source, *, width, rows) -> None:
        for row in range(rows):
            to, origin = (one.address + row * one.pitch for one in (target, source))
            ctypes.memmove(to, origin, width)


@pytest.fixture(params=[HostCache, lambda size: DeviceCache(size, OtherMemory())])
def cache(request) -> Cache:
    return request.param(SIZE)


def block(tokens: int, seed: int = 1) -> np.ndarray:
    shape = (SIZE.tensors, SIZE.heads, tokens, SIZE.head_size)
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_what_was_written_is_read(cache):
    whole = block(6)
    cache.write(1, 0, whole[:, :, :4])
    cache.write(1, 4, whole[:, :, 4:])
    assert np.array_equal(cache.read(1, 0, 6), whole)
    assert np.array_equal(cache.read(1, 2, 5), whole[:, :, 2:5])


def test_slots_do_not_touch(cache):
    for slot in range(3):
        cache.write(slot, 0, block(8, slot))
    cache.copy(0, 2, 3)
    assert np.array_equal(cache.read(1, 0, 8), block(8, 1))
    assert np.array_equal(cache.read(2, 0, 3), block(8, 0)[:, :, :3])
    assert np.array_equal(cache.read(2, 3, 8), block(8, 2)[:, :, 3:])


def test_a_slot_lies_where_its_address_says(cache):
    cache.write(2, 0, block(8))
    values = SIZE.heads * SIZE.capacity * SIZE.head_size
    at = (ctypes.c_float * values).from_address(cache.address(3, 2))
    assert np.array_equal(np.array(at).reshape(SIZE.slot_shape), block(8)[3])


def test_a_model_says_the_same_from_a_devices_memory(tiny_artefacts):
    shape = read_manifest(tiny_artefacts).shape
    logits = []
    for memory in (None, OtherMemory()):
        decoder = OnnxDecoder(
            tiny_artefacts / MODEL_NAME,
            shape,
            rows=2,
            context_length=64,
            threads=1,
            memory=memory,
        )
        decoder.extend(3, 0, [10, 200, 31, 7], ())
        decoder.copy(3, 0, 4)
        decoder.extend(1, 0, [5, 6], ())
        logits.append(decoder.decode([9, 8], [5, 3], [(), ()]).copy())
    assert np.array_equal(*logits)
