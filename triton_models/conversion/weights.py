"""How a graph holds its matrices: as floats, or in 8 or 4 bits a weight.

Operators are described in onnxruntime's docs/ContribOperators.md.
"""

from collections.abc import Callable
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from triton_models.chat_lm.generation.manifest import FloatType, Precision

from .checkpoint import UnsupportedWeights, Weight
from .graph import MICROSOFT, Graph

MakeWeight = Callable[[], Weight]
# By the bits of a code: how many neighbouring weights share a scale, the code of 0, and the
# accuracy_level of MatMulNBits. With 8 bits it is fast only where activations are rounded too, by
# the same blocks, and in short ones an outlier spoils few neighbours. With 4 bits activations stay
# as they are, and the blocks are GGUF's.
_BLOCK = {8: 16, 4: 32}
_ZERO = {8: 128, 4: 8}
_ACCURACY_LEVEL = {8: 4, 4: 1}
_MOST_CODE = 15  # of 4 bits
_ROUNDING = 4 * float(np.finfo(np.float32).eps)  # what dequantising may have added, relatively


class Matrices(Protocol):
    """Adds matrices to a graph; ``make`` gives one as [outputs, inputs]."""

    def linear(self, name: str, inputs: str, make: MakeWeight, output: str) -> str: ...

    def embedding(self, name: str, ids: str, make: MakeWeight, output: str) -> str: ...

    def head(self, name: str, inputs: str, make: MakeWeight, output: str) -> str: ...


def matrices(graph: Graph, precision: Precision) -> Matrices:
    match precision:
        case Precision.INT8:
            return _EightBitMatrices(graph)
        case Precision.INT4:
            return _FourBitMatrices(graph, precision.float_type)
        case Precision.FP32 | Precision.FP16:
            return _FloatMatrices(graph, precision.float_type)


class _FloatMatrices:
    def __init__(self, graph: Graph, float_type: FloatType) -> None:
        self._graph = graph
        self._float_type = float_type

    def linear(self, name: str, inputs: str, make: MakeWeight, output: str) -> str:
        # Transposed here, not by the operator: onnxruntime packs a constant MatMul's weight, and
        # then a row's result does not depend on the rows beside it.
        weight = self._weight(name, lambda: make().T)
        return self._graph.node("MatMul", [inputs, weight], [output])

    def embedding(self, name: str, ids: str, make: MakeWeight, output: str) -> str:
        return self._graph.node("Gather", [self._weight(name, make), ids], [output])

    def head(self, name: str, inputs: str, make: MakeWeight, output: str) -> str:
        # As published, and not transposed: a tied head is the embedding's very tensor.
        return self._graph.node("Gemm", [inputs, self._weight(name, make)], [output], transB=1)

    def _weight(self, name: str, make: MakeWeight) -> str:
        return self._graph.weight(
            f"{name}.weight", lambda: as_float_type(name, make(), self._float_type)
        )


def as_float_type(name: str, values: Weight, float_type: FloatType) -> NDArray[np.floating]:
    """Raises UnsupportedWeights where a value is too large for the type."""
    with np.errstate(over="ignore"):
        cast = values.astype(float_type, copy=False)
    if not np.isfinite(cast).all():
        raise UnsupportedWeights(
            f"{name} has values that {float_type} cannot hold: take another precision"
        )
    return cast


class _EightBitMatrices:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def linear(self, name: str, inputs: str, make: MakeWeight, output: str) -> str:
        codes, scales = self._quantized(name, make)
        return _add_blockwise(self._graph, inputs, codes, scales, output, bits=8)

    def embedding(self, name: str, ids: str, make: MakeWeight, output: str) -> str:
        codes, scales = self._quantized(name, make)
        count, blocks, _ = self._graph.shape(codes)
        table = self._graph.reshaped(f"{name}.table", codes, (count, blocks * _BLOCK[8]))
        return self._graph.node(
            "GatherBlockQuantized",
            [table, ids, scales],
            [output],
            domain=MICROSOFT,
            bits=8,
            block_size=_BLOCK[8],
            gather_axis=0,
            quantize_axis=1,
        )

    def head(self, name: str, inputs: str, make: MakeWeight, output: str) -> str:
        return self.linear(name, inputs, make, output)

    def _quantized(self, name: str, make: MakeWeight) -> tuple[str, str]:
        quantized = cache(lambda: quantize(name, make()))
        codes = self._graph.weight(f"{name}.codes", lambda: quantized()[0])
        scales = self._graph.weight(f"{name}.scales", lambda: quantized()[1])
        return codes, scales


class _FourBitMatrices(_FloatMatrices):
    """Keeps linears in the four bits they were published in, and loses nothing of them.

    A value is offset + code * scale, where MatMulNBits knows (code - 8) * scale: what lacks is the
    same for a whole block, and is added for the sum of the block's inputs.
    """

    def linear(self, name: str, inputs: str, make: MakeWeight, output: str) -> str:
        graph, found = self._graph, cache(lambda: find_codes(name, make()))
        codes = graph.weight(f"{name}.codes", lambda: found()[0])
        scales = graph.weight(f"{name}.scales", lambda: found()[1])
        offsets = graph.weight(f"{name}.offsets", lambda: found()[2].T)
        blocks = graph.shape(offsets)[0]
        by_block = graph.weight(f"blocks.{blocks}", lambda: _membership(blocks))
        base = _add_blockwise(graph, inputs, codes, scales, f"{output}.coded", bits=4)
        sums = graph.node("MatMul", [inputs, by_block], [f"{output}.sums"])
        lacking = graph.node("MatMul", [sums, offsets], [f"{output}.lacking"])
        return graph.node("Add", [base, lacking], [output])


def _add_blockwise(
    graph: Graph, inputs: str, codes: str, scales: str, output: str, *, bits: int
) -> str:
    count, blocks, _ = graph.shape(codes)
    return graph.node(
        "MatMulNBits",
        [inputs, codes, scales],
        [output],
        domain=MICROSOFT,
        K=blocks * _BLOCK[bits],
        N=count,
        bits=bits,
        block_size=_BLOCK[bits],
        accuracy_level=_ACCURACY_LEVEL[bits],
    )


def _membership(blocks: int) -> Weight:
    """Which inputs are of which block, [inputs, blocks]: a product with it sums them."""
    return np.repeat(np.eye(blocks, dtype=np.float32), _BLOCK[4], axis=0)


def quantize(name: str, weight: Weight) -> tuple[NDArray[np.uint8], Weight]:
    """A weight [outputs, inputs] as codes [outputs, blocks, 16] and scales [outputs, blocks].

    A value is (code - 128) * scale; the scale is 1/127 of a block's largest magnitude. Raises
    UnsupportedWeights where the inputs do not fill their blocks.
    """
    blocks = _blocks(name, weight, _BLOCK[8])
    scales = np.abs(blocks).max(axis=2) / 127
    divisors = np.where(scales > 0, scales, 1)[..., None]
    codes = np.rint(blocks / divisors).astype(np.int16) + _ZERO[8]
    return codes.astype(np.uint8), scales.astype(np.float32)


def find_codes(name: str, weight: Weight) -> tuple[NDArray[np.uint8], Weight, Weight]:
    """The four-bit codes of a weight [outputs, inputs] that has no more values than they tell.

    Codes [outputs, blocks, 16], two to a byte, the first in its lower half; scales and offsets
    [outputs, blocks]: a value is offset + (code - 8) * scale. Raises UnsupportedWeights where it
    has other values.
    """
    blocks = _blocks(name, weight, _BLOCK[4]).astype(np.float64)
    least, most = blocks.min(axis=2), blocks.max(axis=2)
    bound = _ROUNDING * np.abs(blocks).max(axis=2)
    codes, scales = np.zeros(blocks.shape, np.uint8), np.zeros(least.shape)
    open_blocks = most > least
    for steps in range(_MOST_CODE, 0, -1):  # between the least value and the most
        scale = (most - least)[open_blocks] / steps
        above = blocks[open_blocks] - least[open_blocks][:, None]
        found = np.rint(above / scale[:, None])
        fits = np.abs(above - found * scale[:, None]).max(axis=1) <= bound[open_blocks]
        places = np.flatnonzero(open_blocks)[fits]
        codes.reshape(-1, _BLOCK[4])[places], scales.flat[places] = found[fits], scale[fits]
        open_blocks.flat[places] = False
    if open_blocks.any():
        raise UnsupportedWeights(
            f"{name} was not published in four bits, which is what int4 is for: take another "
            "precision"
        )
    packed = np.bitwise_or(codes[..., 0::2], codes[..., 1::2] << 4, dtype=np.uint8)
    offsets = least + _ZERO[4] * scales
    return packed, scales.astype(np.float32), offsets.astype(np.float32)


def _blocks(name: str, weight: Weight, size: int) -> Weight:
    outputs, inputs = weight.shape
    if inputs % size:
        raise UnsupportedWeights(
            f"{name} has {inputs} inputs, which do not fill blocks of {size}: take fp32 or fp16"
        )
    return weight.reshape(outputs, inputs // size, size)
