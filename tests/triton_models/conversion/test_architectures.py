"""Each architecture against what transformers and torch make of the same weights."""

import json
from itertools import pairwise

import numpy as np
import pytest

from tests.triton_models.conversion.graph_session import GraphSession
from tests.triton_models.conversion.tiny_checkpoints import write_tiny_checkpoint
from tests.triton_models.conversion.transformers_reference import (
    CASES,
    COUNT,
    STORED,
    TransformersReference,
    values_of,
)
from triton_models.chat_lm.generation.manifest import Precision, Source
from triton_models.conversion.artefacts import make_artefacts

REFERENCE = json.loads(STORED.read_text())
SOURCE = Source(origin="random", file="model.safetensors", sha256="0", licence="Apache-2.0")
EXACT = (Precision.FP32, Precision.INT8)  # whose rows do not depend on what is beside them
SHORT_CONTEXT = 16  # of "phi3-longrope short": the one its rotations were not stretched from


@pytest.fixture
def convert(tmp_path):
    """A session on the artefacts of one of the reference's cases."""

    def convert(case: str, precision: Precision = Precision.FP32) -> GraphSession:
        name, *short = case.split()
        directory = tmp_path / precision
        directory.mkdir()
        manifest = make_artefacts(
            write_tiny_checkpoint(tmp_path / name, name),
            directory,
            source=SOURCE,
            precision=precision,
            context_length=SHORT_CONTEXT if short else None,
        )
        return GraphSession(directory, manifest.shape)

    return convert


def prefilled(session: GraphSession, case: str) -> np.ndarray:
    stored = REFERENCE[case]
    prompt, positions = stored["prompt"], stored["positions"]
    logits, _ = session.run([prompt], [len(prompt)], session.empty_cache(), positions=positions)
    return logits[0]


@pytest.mark.parametrize("case", CASES)
def test_logits_and_greedy_tokens_are_those_of_transformers(convert, case):
    stored, session = REFERENCE[case], convert(case)
    np.testing.assert_allclose(prefilled(session, case), stored["logits"], atol=2e-4)
    assert session.greedy(stored["prompt"], COUNT) == stored["continuation"]


@pytest.mark.parametrize("case", CASES)
def test_half_precision_comes_close(convert, case):
    session = convert(case, Precision.FP16)
    assert session.empty_cache()[0].dtype == np.float16
    logits = prefilled(session, case)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, REFERENCE[case]["logits"], atol=0.05)


@pytest.mark.parametrize("case", CASES)
def test_eight_bits_come_near(convert, case):
    """Between the linears, activations are rounded to eight bits too."""
    session = convert(case, Precision.INT8)
    expected = np.array(REFERENCE[case]["logits"])
    difference = prefilled(session, case) - expected
    assert np.sqrt((difference**2).mean()) < 0.1 * expected.std()


@pytest.mark.parametrize("precision", EXACT)
@pytest.mark.parametrize("case", CASES)
def test_chunks_of_a_prompt_give_the_very_logits_of_the_whole(convert, case, precision):
    session, prompt = convert(case, precision), REFERENCE[case]["prompt"]
    whole, _ = session.run([prompt], [len(prompt)], session.empty_cache())
    for size in (2, 3, 8):
        cache = session.empty_cache()
        # A last chunk of one token would be a decoding step, whose sums are ordered otherwise.
        cuts = [*range(0, len(prompt) - 1, size), len(prompt)]
        for start, end in pairwise(cuts):
            logits, cache = session.run([prompt[start:end]], [end], cache)
        np.testing.assert_array_equal(logits, whole)


@pytest.mark.parametrize("precision", EXACT)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("rows", [2, 3, 6])
def test_rows_give_the_very_logits_they_give_alone(convert, case, rows, precision):
    session, prompt = convert(case, precision), REFERENCE[case]["prompt"]
    lengths = [len(prompt) - row for row in range(rows)] if len(prompt) > 6 else [5] * rows
    caches = [session.run([prompt[:n]], [n], session.empty_cache())[1] for n in lengths]
    together = [np.concatenate(parts) for parts in zip(*caches, strict=True)]
    tokens, totals = [[7 + row] for row in range(rows)], [length + 1 for length in lengths]
    logits, _ = session.run(tokens, totals, together)
    for row, cache in enumerate(caches):
        alone, _ = session.run(tokens[row : row + 1], totals[row : row + 1], cache)
        np.testing.assert_array_equal(logits[row], alone[0])


@pytest.mark.parametrize("case", CASES)
def test_stored_values_are_what_transformers_gives(case, tmp_path):
    pytest.importorskip("transformers", reason="needs the dependency group reference")
    name = case.split()[0]
    reference = TransformersReference(write_tiny_checkpoint(tmp_path, name))
    values = values_of(reference, CASES[case])
    assert values["continuation"] == REFERENCE[case]["continuation"]
    np.testing.assert_allclose(values["logits"], REFERENCE[case]["logits"], atol=2e-4)
