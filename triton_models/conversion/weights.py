"""How a graph holds its matrices: as floats, or in 8 bits a weight.

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
_BLOCK = 32  # neighbouring weights that share a scale
_ZERO = 128  # the code of 0, where an operator is told of no other
_INT8_ACTIVATIONS = 4  # MatMulNBits' accuracy_level; the lower ones are many times slower


class Matrices(Protocol):
    """Adds matrices to a graph; ``make`` gives one as [outputs, inputs]."""

    def linear(self, name: str, inputs: str, make: MakeWeight, outputs: list[str]) -> str: ...

    def embedding(self, name: str, ids: str, make: MakeWeight, outputs: list[str]) -> str: ...

    def head(self, name: str, inputs: str, make: MakeWeight, outputs: list[str]) -> str: ...


def matrices(graph: Graph, precision: Precision) -> Matrices:
    match precision:
        case Precision.INT8:
            return _QuantizedMatrices(graph)
        case Precision.FP32 | Precision.FP16:
            return _FloatMatrices(graph, precision.float_type)


class _FloatMatrices:
    def __init__(self, graph: Graph, float_type: FloatType) -> None:
        self._graph = graph
        self._float_type = float_type

    def linear(self, name: str, inputs: str, make: MakeWeight, outputs: list[str]) -> str:
        # Transposed here, not by the operator: onnxruntime packs a constant MatMul's weight, and
        # then a row's result does not depend on the rows beside it.
        weight = self._weight(name, lambda: make().T)
        return self._graph.node("MatMul", [inputs, weight], outputs)

    def embedding(self, name: str, ids: str, make: MakeWeight, outputs: list[str]) -> str:
        return self._graph.node("Gather", [self._weight(name, make), ids], outputs)

    def head(self, name: str, inputs: str, make: MakeWeight, outputs: list[str]) -> str:
        # As published, and not transposed: a tied head is the embedding's very tensor.
        return self._graph.node("Gemm", [inputs, self._weight(name, make)], outputs, transB=1)

    def _weight(self, name: str, make: MakeWeight) -> str:
        return self._graph.weight(
            f"{name}.weight", lambda: as_float_type(name, make(), self._float_type)
        )


def as_float_type(name: str, values: Weight, float_type: FloatType) -> NDArray[np.floating]:
    """Raises UnsupportedWeights where a value is too large for the type."""
    with np.errstate(over="ignore"):
        cast = values.astype(float_type)
    if not np.isfinite(cast).all():
        raise UnsupportedWeights(
            f"{name} has values that {float_type} cannot hold: take another precision"
        )
    return cast


class _QuantizedMatrices:
    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def linear(self, name: str, inputs: str, make: MakeWeight, outputs: list[str]) -> str:
        codes, scales = self._quantized(name, make)
        count, blocks, _ = self._graph.shape(codes)
        return self._graph.node(
            "MatMulNBits",
            [inputs, codes, scales],
            outputs,
            domain=MICROSOFT,
            K=blocks * _BLOCK,
            N=count,
            bits=8,
            block_size=_BLOCK,
            accuracy_level=_INT8_ACTIVATIONS,
        )

    def embedding(self, name: str, ids: str, make: MakeWeight, outputs: list[str]) -> str:
        codes, scales = self._quantized(name, make)
        count, blocks, _ = self._graph.shape(codes)
        table = self._graph.reshaped(f"{name}.table", codes, (count, blocks * _BLOCK))
        return self._graph.node(
            "GatherBlockQuantized",
            [table, ids, scales],
            outputs,
            domain=MICROSOFT,
            bits=8,
            block_size=_BLOCK,
            gather_axis=0,
            quantize_axis=1,
        )

    def head(self, name: str, inputs: str, make: MakeWeight, outputs: list[str]) -> str:
        return self.linear(name, inputs, make, outputs)

    def _quantized(self, name: str, make: MakeWeight) -> tuple[str, str]:
        quantized = cache(lambda: quantize(name, make()))
        codes = self._graph.weight(f"{name}.codes", lambda: quantized()[0])
        scales = self._graph.weight(f"{name}.scales", lambda: quantized()[1])
        return codes, scales


def quantize(name: str, weight: Weight) -> tuple[NDArray[np.uint8], Weight]:
    """A weight [outputs, inputs] as codes [outputs, blocks, 32] and scales [outputs, blocks].

    A value is (code - 128) * scale; the scale is 1/127 of a block's largest magnitude. Raises
    UnsupportedWeights where the inputs do not fill their blocks.
    """
    outputs, inputs = weight.shape
    if inputs % _BLOCK:
        raise UnsupportedWeights(
            f"{name} has {inputs} inputs, which int8 cannot hold in blocks of {_BLOCK}: take "
            "another precision"
        )
    blocks = weight.reshape(outputs, inputs // _BLOCK, _BLOCK)
    scales = np.abs(blocks).max(axis=2) / 127
    divisors = np.where(scales > 0, scales, 1)[..., None]
    codes = np.rint(blocks / divisors).astype(np.int16) + _ZERO
    return codes.astype(np.uint8), scales.astype(np.float32)
