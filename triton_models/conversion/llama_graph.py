"""Writes a Llama model as an ONNX graph with a key-value cache, for onnxruntime's fused operators.

Inputs: ``input_ids`` [rows, tokens], ``total_lengths`` [rows] (tokens in the cache once these are
added), and for each layer ``past_key_values.N.key|value`` [rows, heads, capacity, head size].
Outputs: ``logits`` [rows, vocabulary] of the last position, and ``present.N.key|value``, which a
caller binds to the same memory as the past. Operators are described in onnxruntime's
docs/ContribOperators.md.

Weights are float32: the tokens then equal those of the reference implementation, one for one.
"""

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.external_data_helper import set_external_data

from .gguf_weights import GgufWeights, LlamaGeometry, Weight

DATA_SUFFIX = ".data"
_ALIGNMENT_BYTES = 4096  # a page: onnxruntime maps the file instead of reading it
_MICROSOFT = "com.microsoft"
_ROWS, _TOKENS, _CAPACITY = "rows", "tokens", "capacity"


def write_llama(weights: GgufWeights, path: Path) -> None:
    """Writes graph and weights, side by side. Raises UnsupportedWeights, OSError."""
    with path.with_name(path.name + DATA_SUFFIX).open("wb") as data:
        graph = _Graph(_ExternalData(data))
        _add_model(graph, weights)
    geometry = weights.geometry
    model = helper.make_model(
        helper.make_graph(
            graph.nodes, "llama", _inputs(geometry), _outputs(geometry), graph.initializers
        ),
        opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid(_MICROSOFT, 1)],
        ir_version=10,
        producer_name="moorage",
    )
    onnx.save_model(model, path)


class _ExternalData:
    """Appends tensors to the data file, so that no more than one is in memory at a time."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def tensor(self, name: str, values: Weight) -> TensorProto:
        start = -(-self._file.tell() // _ALIGNMENT_BYTES) * _ALIGNMENT_BYTES
        self._file.seek(start)
        content = np.ascontiguousarray(values).tobytes()
        self._file.write(content)
        tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=values.shape)
        tensor.raw_data = b""  # set_external_data asks for the field, the file must not have it
        location = Path(self._file.name).name
        set_external_data(tensor, location, offset=start, length=len(content))
        tensor.ClearField("raw_data")
        return tensor


class _Graph:
    """The nodes and initializers so far; each node is named by its first output."""

    def __init__(self, data: _ExternalData) -> None:
        self._data = data
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[TensorProto] = []

    def weight(self, name: str, values: Weight) -> str:
        self.initializers.append(self._data.tensor(name, values))
        return name

    def constant(self, name: str, data_type: int, value: int) -> str:
        self.initializers.append(helper.make_tensor(name, data_type, [], [value]))
        return name

    def node(
        self,
        operator: str,
        inputs: list[str],
        outputs: list[str],
        *,
        domain: str = "",
        **attributes: Any,
    ) -> str:
        node = helper.make_node(
            operator, inputs, outputs, name=outputs[0], domain=domain, **attributes
        )
        self.nodes.append(node)
        return outputs[0]


def _add_model(graph: _Graph, weights: GgufWeights) -> None:
    geometry = weights.geometry
    _add_rotary_tables(graph, geometry)
    _add_lengths(graph)
    graph.weight("embedding", weights.tensor("token_embd.weight"))
    hidden = graph.node("Gather", ["embedding", "input_ids"], ["embedded"])
    update = ""
    for layer in range(geometry.layers):
        hidden, normed = _add_norm(graph, weights, f"blk.{layer}.attn_norm", hidden, update)
        update = _add_attention(graph, weights, layer, normed)
        hidden, normed = _add_norm(graph, weights, f"blk.{layer}.ffn_norm", hidden, update)
        update = _add_feed_forward(graph, weights, layer, normed)
    _, normed = _add_norm(graph, weights, "output_norm", hidden, update)
    _add_head(graph, weights, normed)


def _add_rotary_tables(graph: _Graph, geometry: LlamaGeometry) -> None:
    exponents = np.arange(0, geometry.head_size, 2, dtype=np.float64) / geometry.head_size
    positions = np.arange(geometry.context_length, dtype=np.float64)
    angles = np.outer(positions, geometry.rotary_base**-exponents)
    graph.weight("rotary_cos", np.cos(angles).astype(np.float32))
    graph.weight("rotary_sin", np.sin(angles).astype(np.float32))


def _add_lengths(graph: _Graph) -> None:
    """What GroupQueryAttention wants: each row's last position, and the longest row's length."""
    graph.constant("one", TensorProto.INT32, 1)
    graph.node("Sub", ["total_lengths", "one"], ["last_positions"])
    graph.node("ReduceMax", ["total_lengths"], ["longest"], keepdims=0)


def _add_norm(
    graph: _Graph, weights: GgufWeights, name: str, hidden: str, update: str
) -> tuple[str, str]:
    """Adds ``update`` to the residual stream and normalises it: (new hidden, normed)."""
    weight = graph.weight(f"{name}.weight", weights.tensor(f"{name}.weight"))
    epsilon = weights.geometry.norm_epsilon
    normed = f"{name}.normed"
    if not update:
        graph.node(
            "SimplifiedLayerNormalization",
            [hidden, weight],
            [normed],
            axis=-1,
            epsilon=epsilon,
            stash_type=1,
        )
        return hidden, normed
    summed = f"{name}.hidden"
    graph.node(
        "SkipSimplifiedLayerNormalization",
        [hidden, update, weight],
        [normed, "", "", summed],
        domain=_MICROSOFT,
        epsilon=epsilon,
    )
    return summed, normed


def _add_attention(graph: _Graph, weights: GgufWeights, layer: int, normed: str) -> str:
    prefix = f"blk.{layer}.attn"
    value = weights.tensor(f"{prefix}_v.weight")
    fused = np.concatenate([weights.query(layer), weights.key(layer), value])
    packed = _add_linear(graph, f"{prefix}_qkv", normed, fused)
    past = [f"past_key_values.{layer}.{part}" for part in ("key", "value")]
    present = [f"present.{layer}.{part}" for part in ("key", "value")]
    lengths = ["last_positions", "longest"]
    attended = graph.node(
        "GroupQueryAttention",
        [packed, "", "", *past, *lengths, "rotary_cos", "rotary_sin"],
        [f"{prefix}.attended", *present],
        domain=_MICROSOFT,
        num_heads=weights.geometry.heads,
        kv_num_heads=weights.geometry.key_value_heads,
        do_rotary=1,
        rotary_interleaved=0,
    )
    name = f"{prefix}_output"
    return _add_linear(graph, name, attended, weights.tensor(f"{name}.weight"))


def _add_feed_forward(graph: _Graph, weights: GgufWeights, layer: int, normed: str) -> str:
    prefix = f"blk.{layer}.ffn"
    parts = [weights.tensor(f"{prefix}_{part}.weight") for part in ("gate", "up")]
    both = _add_linear(graph, f"{prefix}_gate_up", normed, np.concatenate(parts))
    gate, up = f"{prefix}.gate", f"{prefix}.up"
    graph.node("Split", [both], [gate, up], axis=-1, num_outputs=2)
    graph.node("Sigmoid", [gate], [f"{prefix}.sigmoid"])
    graph.node("Mul", [gate, f"{prefix}.sigmoid"], [f"{prefix}.activated"])
    graph.node("Mul", [f"{prefix}.activated", up], [f"{prefix}.product"])
    name = f"{prefix}_down"
    return _add_linear(graph, name, f"{prefix}.product", weights.tensor(f"{name}.weight"))


def _add_linear(graph: _Graph, name: str, inputs: str, weight: Weight) -> str:
    graph.weight(f"{name}.weight", weight.T)
    return graph.node("MatMul", [inputs, f"{name}.weight"], [f"{name}.result"])


def _add_head(graph: _Graph, weights: GgufWeights, normed: str) -> None:
    """Logits of the last position only; a prompt's other positions need none."""
    graph.constant("last", TensorProto.INT64, -1)
    graph.node("Gather", [normed, "last"], ["last_hidden"], axis=1)
    head = "embedding"
    if weights.has("output.weight"):
        head = graph.weight("head", weights.tensor("output.weight"))
    graph.node("Gemm", ["last_hidden", head], ["logits"], transB=1)


def _inputs(geometry: LlamaGeometry) -> list[onnx.ValueInfoProto]:
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, [_ROWS, _TOKENS])
    lengths = helper.make_tensor_value_info("total_lengths", TensorProto.INT32, [_ROWS])
    return [ids, lengths, *_cache(geometry, "past_key_values")]


def _outputs(geometry: LlamaGeometry) -> list[onnx.ValueInfoProto]:
    shape: list[str | int | None] = [_ROWS, geometry.vocabulary_size]
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, shape)
    return [logits, *_cache(geometry, "present")]


def _cache(geometry: LlamaGeometry, prefix: str) -> list[onnx.ValueInfoProto]:
    shape: list[str | int | None] = [
        *(_ROWS, geometry.key_value_heads, _CAPACITY, geometry.head_size)
    ]
    return [
        helper.make_tensor_value_info(f"{prefix}.{layer}.{part}", TensorProto.FLOAT, shape)
        for layer in range(geometry.layers)
        for part in ("key", "value")
    ]
