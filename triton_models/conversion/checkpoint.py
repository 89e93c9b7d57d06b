"""What every reader of published weights gives: a network, its tensors, its language."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from triton_models.chat_lm.generation.manifest import SamplingDefaults

from .network import Network

Weight = NDArray[np.float32]


class UnsupportedWeights(Exception):
    """Weights that cannot be turned into a graph; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEnds:
    """The token that begins every text, where there is one, and those that end an answer.

    Of the latter the tokenizer's own comes first.
    """

    begin_token: int | None
    end_tokens: tuple[int, ...]


class Checkpoint(Protocol):
    """Published weights, opened. Tensors have GGUF's names and the order that PyTorch has."""

    @property
    def network(self) -> Network: ...

    @property
    def text_ends(self) -> TextEnds: ...

    @property
    def sampling_defaults(self) -> SamplingDefaults:
        """What its makers recommend, if they do; else greedy."""
        ...

    @property
    def licence(self) -> str | None:
        """What the weights themselves say of their licence, if they do."""
        ...

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that decide what it is converted to."""
        ...

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The shape of each tensor, by its name."""
        ...

    def tensor(self, name: str) -> Weight:
        """A tensor's values; a linear's are [outputs, inputs]. Raises UnsupportedWeights."""
        ...

    def write_language(self, directory: Path) -> None:
        """Writes tokenizer and chat template. Raises UnsupportedWeights, OSError."""
        ...


def check_tensors(checkpoint: Checkpoint) -> None:
    """Raises UnsupportedWeights where tensors are missing, are too many or have other shapes.

    What a graph would leave out, it would leave out in silence.
    """
    wanted, found = checkpoint.network.tensors, checkpoint.shapes
    known = {**wanted, **checkpoint.network.biases}
    name = checkpoint.network.architecture.name
    if missing := sorted(wanted.keys() - found.keys()):
        raise UnsupportedWeights(f"{_listed(missing)} missing, which {name} has")
    if unknown := sorted(found.keys() - known.keys()):
        raise UnsupportedWeights(f"{_listed(unknown)} not known of the architecture {name}")
    for tensor, shape in found.items():
        if shape != known[tensor]:
            raise UnsupportedWeights(
                f"tensor {tensor} has the shape {shape} where its configuration says "
                f"{known[tensor]}"
            )


def _listed(names: list[str]) -> str:
    if len(names) == 1:
        return f"tensor {names[0]} is"
    return f"tensors {names[0]} and {len(names) - 1} more are"
