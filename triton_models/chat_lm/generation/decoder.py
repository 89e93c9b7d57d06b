"""Runs the model's graph over slots of a key-value cache that never moves in memory.

A *slot* holds one sequence's keys and values. A sequence is prefilled alone in its slot; after
that, the first *k* slots are decoded together, one token each. The cache is bound to the graph as
both its past and its present, so that a step writes in place; rows of different lengths are told
apart by their lengths (GroupQueryAttention: ``seqlens_k``).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from .manifest import MODEL_NAME, ModelShape

__all__ = ["MODEL_NAME", "Decoder", "OnnxDecoder"]

_WARNINGS_OFF = 3


class Decoder(Protocol):
    """What the engine asks of a model."""

    @property
    def slots(self) -> int:
        """How many sequences the cache holds, the one being prefilled included."""
        ...

    @property
    def context_length(self) -> int:
        """The most tokens that a slot holds, prompt and answer together."""
        ...

    def prefill(self, slot: int, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Fills ``slot`` with a sequence; the logits of what follows it."""
        ...

    def decode(self, tokens: Sequence[int], lengths: Sequence[int]) -> NDArray[np.float32]:
        """Appends one token to each of the first slots; the logits of what follows, by slot.

        ``lengths`` counts each slot's tokens, the new one included. The array is valid until the
        next call.
        """
        ...

    def move(self, source: int, target: int, length: int) -> None:
        """Copies the first ``length`` tokens of one slot over another's."""
        ...


class OnnxDecoder:
    """A ``Decoder`` on onnxruntime. Not thread-safe: one thread owns it."""

    def __init__(
        self, model: Path, shape: ModelShape, *, slots: int, context_length: int, threads: int
    ) -> None:
        self._shape = shape
        self._session = onnxruntime.InferenceSession(
            str(model), _session_options(threads), providers=["CPUExecutionProvider"]
        )
        cache_shape = (2 * shape.layers, slots, shape.key_value_heads, context_length)
        # calloc'ed: memory is used only as far as slots are filled.
        self._cache = np.zeros((*cache_shape, shape.head_size), np.float32)
        self._logits = np.empty((slots, shape.vocabulary_size), np.float32)
        self._tokens = np.zeros((slots, 1), np.int64)
        self._lengths = np.zeros(slots, np.int32)
        self._logit_positions = np.array([-1], np.int64)
        self._decode_bindings: dict[int, onnxruntime.IOBinding] = {}

    @property
    def slots(self) -> int:
        return int(self._cache.shape[1])

    @property
    def context_length(self) -> int:
        return int(self._cache.shape[3])

    def prefill(self, slot: int, tokens: Sequence[int]) -> NDArray[np.float32]:
        ids = np.asarray([tokens], np.int64)
        lengths = np.asarray([len(tokens)], np.int32)
        logits = np.empty((1, self._shape.vocabulary_size), np.float32)
        binding = self._bind(ids, lengths, logits, first_slot=slot)
        self._session.run_with_iobinding(binding)
        first: NDArray[np.float32] = logits[0]
        return first

    def decode(self, tokens: Sequence[int], lengths: Sequence[int]) -> NDArray[np.float32]:
        count = len(tokens)
        self._tokens[:count, 0] = tokens
        self._lengths[:count] = lengths
        self._session.run_with_iobinding(self._decode_binding(count))
        return self._logits[:count]

    def move(self, source: int, target: int, length: int) -> None:
        self._cache[:, target, :, :length] = self._cache[:, source, :, :length]

    def _decode_binding(self, count: int) -> onnxruntime.IOBinding:
        """The binding for ``count`` rows. It is kept: making one costs some 4 % of a step."""
        if count not in self._decode_bindings:
            self._decode_bindings[count] = self._bind(
                self._tokens[:count], self._lengths[:count], self._logits[:count], first_slot=0
            )
        return self._decode_bindings[count]

    def _bind(
        self,
        tokens: NDArray[np.int64],
        lengths: NDArray[np.int32],
        logits: NDArray[np.float32],
        *,
        first_slot: int,
    ) -> onnxruntime.IOBinding:
        """Binds by address; the arrays must outlive the binding's last run."""
        binding = self._session.io_binding()
        _bind(binding.bind_input, "input_ids", tokens)
        _bind(binding.bind_input, "total_lengths", lengths)
        _bind(binding.bind_input, "logit_positions", self._logit_positions)
        _bind(binding.bind_output, "logits", logits)
        for layer in range(self._shape.layers):
            for place, part in enumerate(("key", "value")):
                rows = self._cache[2 * layer + place, first_slot : first_slot + len(tokens)]
                _bind(binding.bind_input, f"past_key_values.{layer}.{part}", rows)
                _bind(binding.bind_output, f"present.{layer}.{part}", rows)
        return binding


def _bind(bind: object, name: str, array: NDArray[np.generic]) -> None:
    bind(  # type: ignore[operator]
        name, "cpu", 0, array.dtype.type, array.shape, array.ctypes.data
    )


def _session_options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _WARNINGS_OFF
    # A spinning thread pool starves its neighbours on shared cores: with one foreign busy core it
    # cost three quarters of the tokens per second, and being off costs a tenth where all is quiet.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
