"""Writes a decoder as ONNX graphs with a key-value cache, for onnxruntime's fused operators.

Inputs: ``input_ids`` [rows, tokens]; ``total_lengths`` [rows], the tokens in the cache once these
are added; ``logit_positions`` [positions], which of the tokens logits are wanted of (-1: the last);
and for each layer ``past_key_values.N.key|value`` [rows, heads, capacity, head size].
Outputs: float32 ``logits`` [rows * positions, vocabulary], row by row, and
``present.N.key|value``, which a caller binds to the same memory as the past.

The graph with adapters also takes, for each linear L of layer N, ``adapters.N.L.down``
[inputs, parts * ranks] and ``adapters.N.L.up`` [parts * ranks, outputs], and once
``adapter_strengths`` [rows, 1, ranks]: the linear gives ``x W + ((x down) * strengths) up``. Ranks
of several adapters lie side by side, and a row has strength 0 at those that are not its own.
LoRA: https://arxiv.org/abs/2106.09685.

Operators are described in onnxruntime's docs/ContribOperators.md.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from triton_models.chat_lm.generation.manifest import (
    MODEL_NAME,
    MODEL_WITH_ADAPTERS_NAME,
    LinearPart,
    Precision,
)

from .architecture import Activation
from .checkpoint import Checkpoint, Weight
from .graph import MICROSOFT, ExternalData, Graph
from .network import EMBEDDING, HEAD, LAST_NORM, Layer, Network, Rotary
from .rotary import rotary_tables
from .weights import as_float_type, matrices

Shape = list[str | int]
_ROWS, _TOKENS, _CAPACITY, _POSITIONS = "rows", "tokens", "capacity", "positions"
_DATA_NAME = f"{MODEL_NAME}.data"
_KEY_VALUE = ("key", "value")
_STRENGTHS = "adapter_strengths"


def write_graphs(
    checkpoint: Checkpoint,
    directory: Path,
    precision: Precision,
    on_read: Callable[[int], None] = lambda _: None,
) -> None:
    """Writes both graphs, and beside them the weights they share.

    ``on_read`` is told of each tensor that was read how many values it has. Raises
    UnsupportedWeights, OSError.
    """
    with (directory / _DATA_NAME).open("wb") as file:
        data = ExternalData(file)
        plain = _Decoder(checkpoint, Graph(data), precision, on_read)
        onnx.save_model(plain.model(), directory / MODEL_NAME)
        adaptable = _AdaptableDecoder(checkpoint, Graph(data), precision, on_read)
        onnx.save_model(adaptable.model(), directory / MODEL_WITH_ADAPTERS_NAME)


class _Decoder:
    def __init__(
        self,
        checkpoint: Checkpoint,
        graph: Graph,
        precision: Precision,
        on_read: Callable[[int], None],
    ) -> None:
        self._checkpoint = checkpoint
        self._network: Network = checkpoint.network
        self._graph = graph
        self._on_read = on_read
        self._matrices = matrices(graph, precision)
        self._float_type = precision.float_type
        self._type = helper.np_dtype_to_tensor_dtype(np.dtype(self._float_type))

    def model(self) -> onnx.ModelProto:
        self._add_network()
        return self._graph.model(self._inputs(), self._outputs())

    def _add_network(self) -> None:
        self._add_lengths()
        hidden, update = self._add_embedding(), ""
        for index, layer in enumerate(self._network.layers):
            prefix = f"blk.{index}"
            hidden, normed = self._add_norm(f"{prefix}.attn_norm", hidden, update)
            attended = self._add_attention(prefix, index, layer, normed)
            update = self._add_norm_after(f"{prefix}.post_attention_norm", attended)
            hidden, normed = self._add_norm(f"{prefix}.ffn_norm", hidden, update)
            fed = self._add_feed_forward(prefix, normed)
            update = self._add_norm_after(f"{prefix}.post_ffw_norm", fed)
        _, normed = self._add_norm(LAST_NORM, hidden, update)
        self._add_head(normed)

    def _add_lengths(self) -> None:
        """What GroupQueryAttention wants: each row's last position, the longest row's length."""
        self._graph.constant("one", np.array(1, np.int32))
        self._graph.node("Sub", ["total_lengths", "one"], ["last_positions"])
        self._graph.node("ReduceMax", ["total_lengths"], ["longest"], keepdims=0)

    def _add_embedding(self) -> str:
        make = self._maker(f"{EMBEDDING}.weight")
        embedded = self._matrices.embedding(EMBEDDING, "input_ids", make, "embedded")
        if not self._network.architecture.scales_embeddings:
            return embedded
        return self._add_scaled(embedded, np.sqrt(self._network.hidden_size), "embedded.scaled")

    def _add_norm(self, name: str, hidden: str, update: str) -> tuple[str, str]:
        """Adds ``update`` to the residual stream and normalises it: (new hidden, normed)."""
        if not update:
            return hidden, self._add_norm_of(name, hidden, f"{name}.normed")
        normed, summed = f"{name}.normed", f"{name}.hidden"
        self._graph.node(
            "SkipSimplifiedLayerNormalization",
            [hidden, update, self._norm_weight(name)],
            [normed, "", "", summed],
            domain=MICROSOFT,
            epsilon=self._network.norm_epsilon,
        )
        return summed, normed

    def _add_norm_after(self, name: str, update: str) -> str:
        """Normalises what is to be added to the residual stream, where the architecture does."""
        if name.rpartition(".")[2] not in self._network.architecture.norms:
            return update
        return self._add_norm_of(name, update, f"{name}.normed")

    def _add_norm_of(self, name: str, inputs: str, output: str) -> str:
        return self._graph.node(
            "SimplifiedLayerNormalization",
            [inputs, self._norm_weight(name)],
            [output],
            axis=-1,
            epsilon=self._network.norm_epsilon,
            stash_type=TensorProto.FLOAT,
        )

    def _add_attention(self, prefix: str, index: int, layer: Layer, normed: str) -> str:
        packed = self._add_linear(prefix, "attn_qkv", normed)
        window = {"local_window_size": layer.sliding_window} if layer.sliding_window else {}
        attended = self._graph.node(
            "GroupQueryAttention",
            [
                *self._add_head_norms(prefix, packed),
                *(f"past_key_values.{index}.{part}" for part in _KEY_VALUE),
                *("last_positions", "longest"),
                *self._add_rotary_tables(layer.rotary),
            ],
            [f"{prefix}.attended", *(f"present.{index}.{part}" for part in _KEY_VALUE)],
            domain=MICROSOFT,
            num_heads=self._network.heads,
            kv_num_heads=self._network.key_value_heads,
            scale=self._network.attention_scale,
            softcap=self._network.attention_soft_cap,
            do_rotary=1,
            rotary_interleaved=0,
            **window,
        )
        return self._add_linear(prefix, "attn_output", attended)

    def _add_head_norms(self, prefix: str, packed: str) -> tuple[str, str, str]:
        """Query, key and value: packed as they are, or apart and normalised head by head."""
        if "attn_q_norm" not in self._network.architecture.norms:
            return packed, "", ""
        names = [f"{prefix}.{part}" for part in ("query", "key", "value")]
        sizes = np.array(self._network.attention_sizes, np.int64)
        self._graph.constant("attention_sizes", sizes)
        self._graph.node("Split", [packed, "attention_sizes"], names, axis=-1)
        query, key, value = names
        return (
            self._add_head_norm(f"{prefix}.attn_q_norm", query),
            self._add_head_norm(f"{prefix}.attn_k_norm", key),
            value,
        )

    def _add_head_norm(self, name: str, inputs: str) -> str:
        graph = self._graph
        graph.constant("by_head", np.array([0, 0, -1, self._network.head_size], np.int64))
        graph.constant("side_by_side", np.array([0, 0, -1], np.int64))
        heads = graph.node("Reshape", [inputs, "by_head"], [f"{name}.heads"])
        normed = self._add_norm_of(name, heads, f"{name}.normed")
        return graph.node("Reshape", [normed, "side_by_side"], [f"{name}.result"])

    def _add_rotary_tables(self, rotary: Rotary) -> tuple[str, str]:
        rotaries = list(dict.fromkeys(layer.rotary for layer in self._network.layers))
        prefix = f"rotary.{rotaries.index(rotary)}"
        length = self._network.context_length
        cosines = self._floats(f"{prefix}.cos", lambda: rotary_tables(rotary, length)[0])
        sines = self._floats(f"{prefix}.sin", lambda: rotary_tables(rotary, length)[1])
        return cosines, sines

    def _add_feed_forward(self, prefix: str, normed: str) -> str:
        graph = self._graph
        both = self._add_linear(prefix, "ffn_gate_up", normed)
        gate, up = f"{prefix}.gate", f"{prefix}.up"
        graph.node("Split", [both], [gate, up], axis=-1, num_outputs=2)
        activated = self._add_activation(gate, f"{prefix}.activated")
        product = graph.node("Mul", [activated, up], [f"{prefix}.product"])
        return self._add_linear(prefix, "ffn_down", product)

    def _add_activation(self, inputs: str, output: str) -> str:
        match self._network.architecture.activation:
            case Activation.SILU:
                sigmoid = self._graph.node("Sigmoid", [inputs], [f"{inputs}.sigmoid"])
                return self._graph.node("Mul", [inputs, sigmoid], [output])
            case Activation.GELU_TANH:
                return self._graph.node("Gelu", [inputs], [output], approximate="tanh")

    def _add_linear(self, prefix: str, linear: str, inputs: str) -> str:
        """One linear of a block, its parts fused; with a bias where the weights have one."""
        parts = self._network.architecture.linears[linear]
        stored = [f"{prefix}.{part.tensor}" for part in parts]
        name = f"{prefix}.{linear}"
        result = self._add_matrix(name, inputs, self._maker(*(f"{one}.weight" for one in stored)))
        if not any(f"{one}.bias" in self._checkpoint.shapes for one in stored):
            return result
        bias = self._floats(f"{name}.bias", self._maker(*(f"{one}.bias" for one in stored)))
        return self._graph.node("Add", [result, bias], [f"{name}.biased"])

    def _add_matrix(self, name: str, inputs: str, make: Callable[[], Weight]) -> str:
        return self._matrices.linear(name, inputs, make, f"{name}.result")

    def _add_head(self, normed: str) -> None:
        """Logits of the positions that are asked for; a prompt's others need none."""
        graph = self._graph
        graph.constant("rows_of_hidden", np.array([-1, self._network.hidden_size], np.int64))
        graph.node("Gather", [normed, "logit_positions"], ["asked"], axis=1)
        asked = graph.node("Reshape", ["asked", "rows_of_hidden"], ["asked.rows"])
        name = EMBEDDING if self._network.tied_head else HEAD
        scores = self._matrices.head(name, asked, self._maker(f"{name}.weight"), "scores")
        if cap := self._network.logit_soft_cap:
            scaled = self._add_scaled(scores, 1 / cap, "scores.scaled")
            bounded = graph.node("Tanh", [scaled], ["scores.bounded"])
            scores = self._add_scaled(bounded, cap, "scores.capped")
        graph.node("Cast", [scores], ["logits"], to=TensorProto.FLOAT)

    def _add_scaled(self, inputs: str, factor: float, output: str) -> str:
        self._graph.constant(f"{output}.factor", np.array(factor, self._float_type))
        return self._graph.node("Mul", [inputs, f"{output}.factor"], [output])

    def _norm_weight(self, name: str) -> str:
        return self._floats(f"{name}.weight", self._maker(f"{name}.weight"))

    def _floats(self, name: str, make: Callable[[], Weight]) -> str:
        return self._graph.weight(name, lambda: as_float_type(name, make(), self._float_type))

    def _maker(self, *names: str) -> Callable[[], Weight]:
        return lambda: np.concatenate([self._read(name) for name in names])

    def _read(self, name: str) -> Weight:
        values = self._checkpoint.tensor(name)
        self._on_read(values.size)
        return values

    def _inputs(self) -> list[onnx.ValueInfoProto]:
        return [
            helper.make_tensor_value_info("input_ids", TensorProto.INT64, [_ROWS, _TOKENS]),
            helper.make_tensor_value_info("total_lengths", TensorProto.INT32, [_ROWS]),
            helper.make_tensor_value_info("logit_positions", TensorProto.INT64, [_POSITIONS]),
            *self._cache("past_key_values"),
        ]

    def _outputs(self) -> list[onnx.ValueInfoProto]:
        shape: Shape = [f"{_ROWS}*{_POSITIONS}", self._network.vocabulary_size]
        logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, shape)
        return [logits, *self._cache("present")]

    def _cache(self, prefix: str) -> list[onnx.ValueInfoProto]:
        heads, head_size = self._network.key_value_heads, self._network.head_size
        return [
            self._float_info(f"{prefix}.{layer}.{part}", [_ROWS, heads, _CAPACITY, head_size])
            for layer in range(len(self._network.layers))
            for part in _KEY_VALUE
        ]

    def _float_info(self, name: str, shape: Shape) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, self._type, shape)


class _AdaptableDecoder(_Decoder):
    """A decoder whose linears each add what adapters make of their input."""

    def _add_network(self) -> None:
        for parts in {len(parts) for parts in self._network.linears.values()}:
            self._graph.node("Concat", [_STRENGTHS] * parts, [_strengths(parts)], axis=-1)
        super()._add_network()

    def _add_matrix(self, name: str, inputs: str, make: Callable[[], Weight]) -> str:
        graph = self._graph
        base = self._matrices.linear(name, inputs, make, f"{name}.base")
        adapter = _adapter(name)
        parts = len(self._network.linears[name.rpartition(".")[2]])
        low = graph.node("MatMul", [inputs, f"{adapter}.down"], [f"{name}.low"])
        weighted = graph.node("Mul", [low, _strengths(parts)], [f"{name}.weighted"])
        update = graph.node("MatMul", [weighted, f"{adapter}.up"], [f"{name}.update"])
        return graph.node("Add", [base, update], [f"{name}.result"])

    def _inputs(self) -> list[onnx.ValueInfoProto]:
        strengths = self._float_info(_STRENGTHS, [_ROWS, 1, "ranks"])
        return [*super()._inputs(), strengths, *self._adapters()]

    def _adapters(self) -> list[onnx.ValueInfoProto]:
        return [
            self._float_info(f"{_adapter(f'blk.{layer}.{linear}')}.{side}", shape)
            for layer in range(len(self._network.layers))
            for linear, parts in self._network.linears.items()
            for side, shape in _adapter_shapes(parts).items()
        ]


def _adapter(linear: str) -> str:
    """The prefix of an adapter's inputs to ``blk.N.L``."""
    return f"adapters.{linear.removeprefix('blk.')}"


def _adapter_shapes(parts: tuple[LinearPart, ...]) -> dict[str, Shape]:
    ranks = f"{len(parts)}*ranks"
    return {
        "down": [parts[0].inputs, ranks],
        "up": [ranks, sum(part.outputs for part in parts)],
    }


def _strengths(parts: int) -> str:
    return f"{_STRENGTHS}.{parts}"
