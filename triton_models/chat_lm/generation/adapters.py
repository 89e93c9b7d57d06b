"""LoRA adapters side by side in the graph's inputs, so that each row of a batch picks its own.

Of each linear layer the matrices of all loaded adapters lie beside one another, an adapter at its
own *ranks*. A row's strengths are 0 but at the ranks of the adapters that it asked for; so one
multiplication serves rows with different adapters and strengths, and a row with strength 0 gets
exactly what the base model says.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .lora import Lora, LowRank, UnusableAdapter, read_lora
from .manifest import FloatType, LinearPart, ModelShape
from .request import AdapterStrength, InvalidRequest, UnknownAdapter

_GRAIN_RANKS = 8

Matrix = NDArray[np.generic]


@dataclass(slots=True, kw_only=True, eq=False)
class Adapter:
    """One that is loaded. Its ranks stay its own until the last row that uses it has ended."""

    name: str
    start: int
    ranks: int
    users: int = 0

    @property
    def end(self) -> int:
        return self.start + self.ranks


Selection = tuple[tuple[Adapter, float], ...]
"""What a row asked for: adapters and their strengths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrices:
    """The graph's inputs by name. Another set of ranks makes another one of these."""

    ranks: int
    inputs: Mapping[str, Matrix]


@dataclass(slots=True)
class Adapters:
    """Those that are loaded, at most ``most_bytes`` of them. Safe to use from several threads."""

    shape: ModelShape
    most_bytes: int
    _loaded: dict[str, Adapter] = field(default_factory=dict)
    _leaving: list[Adapter] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _matrices: Matrices = field(init=False)

    def __post_init__(self) -> None:
        self._matrices = _empty(self.shape, 0)

    @property
    def names(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(sorted(self._loaded))

    @property
    def matrices(self) -> Matrices:
        with self._lock:
            return self._matrices

    def load(self, name: str, directory: Path) -> None:
        """Loads a folder that PEFT saved. Raises InvalidRequest, which tells why not."""
        try:
            lora = read_lora(directory)
            _check_fit(lora, self.shape)
        except UnusableAdapter as error:
            raise InvalidRequest(f"adapter {name!r}: {error}") from error
        with self._lock:
            if name in self._loaded:
                raise InvalidRequest(f"adapter {name!r} is loaded already; unload it first")
            adapter = self._place(name, lora.rank)
            self._resize(self._ranks_with(adapter.end))
            _write(self._matrices, lora, adapter.start, self.shape)
            self._loaded[name] = adapter

    def unload(self, name: str) -> None:
        """Hides an adapter at once; rows that use it go on with it. Raises UnknownAdapter."""
        with self._lock:
            adapter = self._known(name)
            del self._loaded[name]
            if adapter.users:
                self._leaving.append(adapter)
            else:
                self._resize(self._ranks_with(0))

    def take(self, wanted: Sequence[AdapterStrength]) -> Selection:
        """What a request asks for, held until it is given back. Raises UnknownAdapter."""
        with self._lock:
            selection = tuple((self._known(one.name), one.strength) for one in wanted)
            for adapter, _ in selection:
                adapter.users += 1
            return selection

    def give_back(self, selection: Selection) -> None:
        with self._lock:
            for adapter, _ in selection:
                adapter.users -= 1
            gone = [adapter for adapter in self._leaving if not adapter.users]
            if gone:
                self._leaving = [adapter for adapter in self._leaving if adapter.users]
                self._resize(self._ranks_with(0))

    def _known(self, name: str) -> Adapter:
        if name not in self._loaded:
            known = ", ".join(sorted(self._loaded)) or "none"
            raise UnknownAdapter(f"adapter {name!r} is not loaded; loaded: {known}")
        return self._loaded[name]

    def _place(self, name: str, ranks: int) -> Adapter:
        """The first gap that is wide enough."""
        start = 0
        for other in sorted(self._present(), key=lambda one: one.start):
            if other.start - start >= ranks:
                break
            start = other.end
        adapter = Adapter(name=name, start=start, ranks=ranks)
        needed = self._ranks_with(adapter.end) * _rank_bytes(self.shape)
        if needed > self.most_bytes:
            raise InvalidRequest(
                f"adapter {name!r} does not fit: with it, adapters would take "
                f"{needed / 1e6:.0f} MB of the {self.most_bytes / 1e6:.0f} MB that they may; "
                "unload another one first"
            )
        return adapter

    def _present(self) -> list[Adapter]:
        return [*self._loaded.values(), *self._leaving]

    def _ranks_with(self, end: int) -> int:
        """How many ranks the matrices need, to ``end`` at least."""
        most = max([end, *(adapter.end for adapter in self._present())])
        return -(-most // _GRAIN_RANKS) * _GRAIN_RANKS

    def _resize(self, ranks: int) -> None:
        if ranks == self._matrices.ranks:
            return
        resized = _empty(self.shape, ranks)
        _copy(self._matrices, resized, self.shape)
        self._matrices = resized


def strengths(selections: Sequence[Selection], ranks: int, kind: FloatType) -> Matrix:
    """Each row's strength at each rank, [rows, 1, ranks]."""
    rows: Matrix = np.zeros((len(selections), 1, ranks), kind)
    for row, selection in zip(rows, selections, strict=True):
        for adapter, strength in selection:
            row[:, adapter.start : adapter.end] = strength
    return rows


def _names(layer: int, linear: str) -> tuple[str, str]:
    return f"adapters.{layer}.{linear}.down", f"adapters.{layer}.{linear}.up"


def _outputs(parts: Sequence[LinearPart]) -> int:
    return sum(part.outputs for part in parts)


def _empty(shape: ModelShape, ranks: int) -> Matrices:
    inputs: dict[str, Matrix] = {}
    for layer in range(shape.layers):
        for linear, parts in shape.linears.items():
            down, up = _names(layer, linear)
            width = len(parts) * ranks
            inputs[down] = np.zeros((parts[0].inputs, width), shape.float_type)
            inputs[up] = np.zeros((width, _outputs(parts)), shape.float_type)
    return Matrices(ranks=ranks, inputs=inputs)


def _copy(source: Matrices, target: Matrices, shape: ModelShape) -> None:
    kept = min(source.ranks, target.ranks)
    for layer in range(shape.layers):
        for linear, parts in shape.linears.items():
            down, up = _names(layer, linear)
            for place in range(len(parts)):
                old, new = place * source.ranks, place * target.ranks
                target.inputs[down][:, new : new + kept] = source.inputs[down][:, old : old + kept]
                target.inputs[up][new : new + kept] = source.inputs[up][old : old + kept]


def _write(matrices: Matrices, lora: Lora, start: int, shape: ModelShape) -> None:
    """Puts an adapter at its ranks. Nobody reads those yet: all strengths there are 0."""
    for layer in range(shape.layers):
        for linear, parts in shape.linears.items():
            down, up = (matrices.inputs[name] for name in _names(layer, linear))
            column = 0
            for place, part in enumerate(parts):
                first = place * matrices.ranks + start
                ranks = slice(first, first + lora.rank)
                columns = slice(column, column + part.outputs)
                _write_part(down, up, ranks, columns, lora.linears.get((layer, part.target)))
                column += part.outputs


def _write_part(
    down: Matrix, up: Matrix, ranks: slice, columns: slice, change: LowRank | None
) -> None:
    down[:, ranks] = 0
    up[ranks] = 0
    if change is not None:
        own = slice(ranks.start, ranks.start + len(change.up))
        down[:, own] = change.down
        up[own, columns] = change.up


def _rank_bytes(shape: ModelShape) -> int:
    """Bytes that one rank of all linear layers takes."""
    values = sum(
        len(parts) * (parts[0].inputs + _outputs(parts)) for parts in shape.linears.values()
    )
    return shape.layers * values * np.dtype(shape.float_type).itemsize


def _check_fit(lora: Lora, shape: ModelShape) -> None:
    """Raises UnusableAdapter where the adapter was made for another model."""
    sizes = {
        part.target: (part.inputs, part.outputs)
        for parts in shape.linears.values()
        for part in parts
    }
    for (layer, target), change in lora.linears.items():
        if target not in sizes or layer >= shape.layers:
            raise UnusableAdapter(f"the model has no linear {target} in a layer {layer}")
        found = len(change.down), change.up.shape[1]
        if found != sizes[target]:
            raise UnusableAdapter(
                f"it is made for another model: layer {layer}, {target}, is "
                f"{found[0]} x {found[1]} there, and {sizes[target][0]} x {sizes[target][1]} here"
            )
