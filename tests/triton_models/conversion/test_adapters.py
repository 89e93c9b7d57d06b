"""The graph with adapters against weights that the adapters were merged into."""

import numpy as np
import pytest

from tests.triton_models.conversion.graph_session import GraphSession
from tests.triton_models.conversion.tiny_checkpoints import (
    tiny_config,
    tiny_tensors,
    write_tiny_checkpoint,
)
from triton_models.chat_lm.generation.manifest import MODEL_WITH_ADAPTERS_NAME, Precision, Source
from triton_models.conversion.artefacts import make_artefacts

PROMPT = [0, 17, 4, 42, 9, 9, 30]
RANK = 3
SOURCE = Source(origin="random", file="model.safetensors", sha256="0", licence="Apache-2.0")


class TinyAdapter:
    """A LoRA adapter of every linear of a tiny checkpoint, as PEFT keeps it: A, B by module."""

    def __init__(self, name: str, seed: int) -> None:
        random = np.random.default_rng(seed)
        self.pairs = {
            tensor: (
                random.normal(0, 0.2, (RANK, values.shape[1])).astype(np.float32),
                random.normal(0, 0.2, (values.shape[0], RANK)).astype(np.float32),
            )
            for tensor, values in tiny_tensors(tiny_config(name)).items()
            if tensor.endswith("proj.weight")
        }

    def updates(self, strength: float) -> dict[str, np.ndarray]:
        return {tensor: strength * b @ a for tensor, (a, b) in self.pairs.items()}

    def pair(self, layer: int, target: str) -> tuple[np.ndarray, np.ndarray]:
        prefix, suffix = f"model.layers.{layer}.", f".{target}.weight"
        return next(
            pair
            for tensor, pair in self.pairs.items()
            if tensor.startswith(prefix) and tensor.endswith(suffix)
        )


def graph_inputs(adapters, shape) -> dict[str, np.ndarray]:
    """What the graph takes of several adapters, but for the strengths."""
    inputs = {}
    for layer in range(shape.layers):
        for linear, parts in shape.linears.items():
            pairs = [[one.pair(layer, part.target) for one in adapters] for part in parts]
            down = np.concatenate([a.T for part in pairs for a, _ in part], axis=1)
            ups = [np.concatenate([b.T for _, b in part]) for part in pairs]
            up = np.zeros((down.shape[1], sum(part.outputs for part in parts)), np.float32)
            row = column = 0
            for block in ups:
                up[row : row + len(block), column : column + block.shape[1]] = block
                row, column = row + len(block), column + block.shape[1]
            inputs[f"adapters.{layer}.{linear}.down"] = down
            inputs[f"adapters.{layer}.{linear}.up"] = up
    return inputs


@pytest.fixture
def convert(tmp_path):
    def convert(checkpoint, precision=Precision.FP32):
        directory = tmp_path / f"{checkpoint.name}.artefacts"
        directory.mkdir()
        manifest = make_artefacts(checkpoint, directory, source=SOURCE, precision=precision)
        return directory, manifest.shape

    return convert


@pytest.mark.parametrize("name", ["llama-with-biases", "phi3", "gemma3"])
def test_each_row_has_the_adapters_that_its_strengths_give_it(name, convert, tmp_path):
    directory, shape = convert(write_tiny_checkpoint(tmp_path / "base", name))
    session = GraphSession(directory, shape, MODEL_WITH_ADAPTERS_NAME)
    adapters = [TinyAdapter(name, seed) for seed in (1, 2)]
    inputs = graph_inputs(adapters, shape)
    strengths = [(0.0, 0.0), (0.7, 0.0), (0.0, 1.5), (0.5, 0.5)]
    by_rank = np.repeat(np.array(strengths, np.float32), RANK, axis=1)[:, None]
    rows = [
        session.run(
            [PROMPT], [len(PROMPT)], session.empty_cache(), adapter_strengths=row[None], **inputs
        )
        for row in by_rank
    ]
    cache = [np.concatenate(parts) for parts in zip(*(one for _, one in rows), strict=True)]
    count = len(strengths)
    lengths = [len(PROMPT) + 1] * count
    decoded, _ = session.run([[5]] * count, lengths, cache, adapter_strengths=by_rank, **inputs)
    for row, (first, second) in enumerate(strengths):
        updates = adapters[0].updates(first)
        updates = {key: updates[key] + more for key, more in adapters[1].updates(second).items()}
        merged = convert(write_tiny_checkpoint(tmp_path / f"merged{row}", name, updates=updates))
        alone = GraphSession(*merged)
        expected, cache = alone.run([PROMPT], [len(PROMPT)], alone.empty_cache())
        np.testing.assert_allclose(rows[row][0], expected, atol=1e-3)
        expected, _ = alone.run([[5]], [len(PROMPT) + 1], cache)
        np.testing.assert_allclose(decoded[row], expected[0], atol=1e-3)


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.FP16, Precision.INT8])
def test_without_ranks_it_gives_the_very_logits_of_the_plain_graph(precision, convert, tmp_path):
    directory, shape = convert(write_tiny_checkpoint(tmp_path / "base", "llama"), precision)
    plain = GraphSession(directory, shape)
    adaptable = GraphSession(directory, shape, MODEL_WITH_ADAPTERS_NAME)
    inputs = {
        f"adapters.{layer}.{linear}.{side}": np.zeros(size, shape.float_type)
        for layer in range(shape.layers)
        for linear, parts in shape.linears.items()
        for side, size in {
            "down": (parts[0].inputs, 0),
            "up": (0, sum(part.outputs for part in parts)),
        }.items()
    }
    strengths = np.zeros((1, 1, 0), shape.float_type)
    given = [PROMPT], [len(PROMPT)], plain.empty_cache()
    expected, _ = plain.run(*given)
    logits, _ = adaptable.run(*given, adapter_strengths=strengths, **inputs)
    np.testing.assert_array_equal(logits, expected)
