"""An ONNX graph in the making, and the file that its weights go to."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper
from onnx.external_data_helper import set_external_data

MICROSOFT = "com.microsoft"
_ALIGNMENT_BYTES = 4096  # a page: onnxruntime maps the file instead of reading it

Tensor = NDArray[np.generic]


class ExternalData:
    """Appends tensors to the data file, so that no more than one is in memory at a time.

    A tensor of a name that is there already is not made again: several graphs share the file.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._written: dict[str, TensorProto] = {}

    def tensor(self, name: str, make: Callable[[], Tensor]) -> TensorProto:
        if name not in self._written:
            self._written[name] = self._write(name, make())
        return self._written[name]

    def _write(self, name: str, values: Tensor) -> TensorProto:
        start = -(-self._file.tell() // _ALIGNMENT_BYTES) * _ALIGNMENT_BYTES
        self._file.seek(start)
        values = np.ascontiguousarray(values)
        self._file.write(values.data)
        data_type = helper.np_dtype_to_tensor_dtype(values.dtype)
        tensor = TensorProto(name=name, data_type=data_type, dims=values.shape)
        tensor.raw_data = b""  # set_external_data asks for the field, the file must not have it
        location = Path(self._file.name).name
        set_external_data(tensor, location, offset=start, length=values.nbytes)
        tensor.ClearField("raw_data")
        return tensor


class Graph:
    """The nodes and initializers so far; each node is named by its first output."""

    def __init__(self, data: ExternalData) -> None:
        self._data = data
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: dict[str, TensorProto] = {}

    def weight(self, name: str, make: Callable[[], Tensor]) -> str:
        """An initializer in the data file; ``make`` is called unless the file has it already."""
        self._initializers[name] = self._data.tensor(name, make)
        return name

    def reshaped(self, name: str, weight: str, shape: tuple[int, ...]) -> str:
        """Another initializer of the same bytes in the data file."""
        tensor = TensorProto()
        tensor.CopyFrom(self._initializers[weight])
        tensor.name, tensor.dims[:] = name, shape
        self._initializers[name] = tensor
        return name

    def shape(self, weight: str) -> tuple[int, ...]:
        return tuple(self._initializers[weight].dims)

    def constant(self, name: str, values: Tensor) -> str:
        """A small initializer, in the graph itself."""
        self._initializers[name] = onnx.numpy_helper.from_array(values, name)
        return name

    def node(
        self,
        operator: str,
        inputs: Sequence[str],
        outputs: Sequence[str],
        *,
        domain: str = "",
        **attributes: Any,
    ) -> str:
        node = helper.make_node(
            operator, inputs, outputs, name=outputs[0], domain=domain, **attributes
        )
        self._nodes.append(node)
        return outputs[0]

    def model(
        self, inputs: Sequence[onnx.ValueInfoProto], outputs: Sequence[onnx.ValueInfoProto]
    ) -> onnx.ModelProto:
        initializers = list(self._initializers.values())
        return helper.make_model(
            helper.make_graph(self._nodes, "decoder", inputs, outputs, initializers),
            opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid(MICROSOFT, 1)],
            ir_version=10,
            producer_name="moorage",
        )
