"""Runs the model's graph over slots of a key-value cache that never moves in memory.

A *slot* holds one sequence's keys and values. The first slots are those of the running rows, which
are decoded together, one token each; behind them are the stages, in which prompts are computed.
The cache is bound to the graph as both its past and its present, so that a step writes in place;
rows of different lengths are told apart by their lengths (GroupQueryAttention: ``seqlens_k``).

On the fp32 graph and the CPU, onnxruntime 1.32 gives a row the same bits alone and in every batch,
and a prompt the same bits in chunks of any lengths but one (measured; the tests hold it to that).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from .adapters import Adapters, Matrices, Matrix, Selection, strengths
from .cache import Cache, DeviceCache, HostCache, Memory, Size
from .manifest import ModelShape
from .prefix_cache import Block
from .provider import CPU, Provider, check_in_use

STAGES = 2
_WARNINGS_OFF = 3
_NO_MATRICES = Matrices(ranks=0, inputs={})


class Decoder(Protocol):
    """What the engine asks of a model."""

    @property
    def rows(self) -> int:
        """How many sequences are decoded together; as many slots are theirs, and two follow."""
        ...

    @property
    def context_length(self) -> int:
        """The most tokens that a slot holds, prompt and answer together."""
        ...

    def extend(
        self,
        slot: int,
        start: int,
        tokens: Sequence[int],
        adapters: Selection,
        *,
        positions: int = 1,
    ) -> NDArray[np.float32]:
        """Puts tokens behind the first ``start`` of a slot.

        The logits of what follows each of the last ``positions`` of them, [positions, vocabulary].
        """
        ...

    def decode(
        self, tokens: Sequence[int], lengths: Sequence[int], adapters: Sequence[Selection]
    ) -> NDArray[np.float32]:
        """Appends one token to each of the first slots; the logits of what follows, by slot.

        ``lengths`` counts each slot's tokens, the new one included. The array is valid until the
        next call.
        """
        ...

    def copy(self, source: int, target: int, length: int) -> None:
        """Copies the first ``length`` tokens of one slot over another's."""
        ...

    def read(self, slot: int, start: int, end: int) -> Block:
        """A copy of a slot's keys and values from one token to before another."""
        ...

    def write(self, slot: int, start: int, block: Block) -> None: ...


class OnnxDecoder:
    """A ``Decoder`` on onnxruntime. Not thread-safe: one thread owns it."""

    def __init__(
        self,
        model: Path,
        shape: ModelShape,
        *,
        rows: int,
        context_length: int,
        threads: int,
        adapters: Adapters | None = None,
        providers: Sequence[Provider] = (CPU,),
        memory: Memory | None = None,
    ) -> None:
        """``model`` is the graph with adapters where there are ``adapters``, the plain one else.

        ``memory`` is that of the device that the first of the ``providers`` computes on; None: the
        machine's own. Raises ProviderUnavailable where onnxruntime fell back to another one.
        """
        self._shape = shape
        self._rows = rows
        self._context_length = context_length
        self._adapters = adapters
        self._session = onnxruntime.InferenceSession(
            str(model), _session_options(threads), providers=list(providers)
        )
        check_in_use(providers, self._session.get_providers())
        slots = max(rows, 2) + STAGES
        size = Size(
            tensors=2 * shape.layers,
            slots=slots,
            heads=shape.key_value_heads,
            capacity=context_length,
            head_size=shape.head_size,
            kind=shape.float_type,
        )
        self._slot_shape = size.slot_shape
        self._cache: Cache = HostCache(size) if memory is None else DeviceCache(size, memory)
        self._logits = np.empty((slots, shape.vocabulary_size), np.float32)
        self._tokens = np.zeros((slots, 1), np.int64)
        self._lengths = np.ones(slots, np.int32)
        self._last = np.array([-1], np.int64)
        self._bound_matrices = _NO_MATRICES
        self._strengths: Matrix = np.zeros((slots, 1, 0), shape.float_type)
        self._decode_bindings: dict[int, onnxruntime.IOBinding] = {}

    @property
    def shape(self) -> ModelShape:
        return self._shape

    @property
    def rows(self) -> int:
        return self._rows

    @property
    def context_length(self) -> int:
        return self._context_length

    def extend(
        self,
        slot: int,
        start: int,
        tokens: Sequence[int],
        adapters: Selection,
        *,
        positions: int = 1,
    ) -> NDArray[np.float32]:
        self._take_matrices()
        ids = np.asarray([tokens], np.int64)
        lengths = np.asarray([start + len(tokens)], np.int32)
        wanted = np.arange(-positions, 0, dtype=np.int64)
        logits = np.empty((positions, self._shape.vocabulary_size), np.float32)
        mine = strengths([adapters], self._bound_matrices.ranks, self._shape.float_type)
        binding = self._bind(ids, lengths, wanted, mine, logits, first_slot=slot)
        self._session.run_with_iobinding(binding)
        return logits

    def decode(
        self, tokens: Sequence[int], lengths: Sequence[int], adapters: Sequence[Selection]
    ) -> NDArray[np.float32]:
        self._take_matrices()
        count = len(tokens)
        self._tokens[:count, 0] = tokens
        self._lengths[:count] = lengths
        ranks = self._bound_matrices.ranks
        self._strengths[:count] = strengths(adapters, ranks, self._shape.float_type)
        bound = count
        if count == 1 and ranks:
            # A row of nothing beside it: a single row is multiplied with matrices that are not
            # constant by another kernel, whose last bits differ.
            bound = 2
            self._tokens[1], self._lengths[1] = 0, 1
        self._session.run_with_iobinding(self._decode_binding(bound))
        return self._logits[:count]

    def copy(self, source: int, target: int, length: int) -> None:
        self._cache.copy(source, target, length)

    def read(self, slot: int, start: int, end: int) -> Block:
        return self._cache.read(slot, start, end)

    def write(self, slot: int, start: int, block: Block) -> None:
        self._cache.write(slot, start, block)

    def _take_matrices(self) -> None:
        """Binds what was loaded or unloaded meanwhile from the next run on."""
        if self._adapters is None or self._adapters.matrices is self._bound_matrices:
            return
        self._bound_matrices = self._adapters.matrices
        strengths_shape = (len(self._tokens), 1, self._bound_matrices.ranks)
        self._strengths = np.zeros(strengths_shape, self._shape.float_type)
        self._decode_bindings.clear()

    def _decode_binding(self, count: int) -> onnxruntime.IOBinding:
        """The binding for ``count`` rows. It is kept: making one costs some 4 % of a step."""
        if count not in self._decode_bindings:
            self._decode_bindings[count] = self._bind(
                self._tokens[:count],
                self._lengths[:count],
                self._last,
                self._strengths[:count],
                self._logits[:count],
                first_slot=0,
            )
        return self._decode_bindings[count]

    def _bind(
        self,
        tokens: NDArray[np.int64],
        lengths: NDArray[np.int32],
        positions: NDArray[np.int64],
        row_strengths: Matrix,
        logits: NDArray[np.float32],
        *,
        first_slot: int,
    ) -> onnxruntime.IOBinding:
        """Binds by address; the arrays must outlive the binding's last run."""
        binding = self._session.io_binding()
        _bind(binding.bind_input, "input_ids", tokens)
        _bind(binding.bind_input, "total_lengths", lengths)
        _bind(binding.bind_input, "logit_positions", positions)
        _bind(binding.bind_output, "logits", logits)
        if self._adapters is not None:
            _bind(binding.bind_input, "adapter_strengths", row_strengths)
            for name, matrix in self._bound_matrices.inputs.items():
                _bind(binding.bind_input, name, matrix)
        kind = np.dtype(self._shape.float_type).type
        place = self._cache.device, self._cache.device_id, kind, (len(tokens), *self._slot_shape)
        for layer in range(self._shape.layers):
            for number, part in enumerate(("key", "value")):
                address = self._cache.address(2 * layer + number, first_slot)
                binding.bind_input(f"past_key_values.{layer}.{part}", *place, address)
                binding.bind_output(f"present.{layer}.{part}", *place, address)
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
    # is three times slower, and on a quiet machine only a tenth faster (measured).
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
