"""Each architecture against what transformers and torch make of the same weights."""

import json

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


@pytest.mark.parametrize("case", CASES)
def test_logits_and_greedy_tokens_are_those_of_transformers(convert, case):
    stored, session = REFERENCE[case], convert(case)
    prompt, positions = stored["prompt"], stored["positions"]
    logits, _ = session.run([prompt], [len(prompt)], session.empty_cache(), positions=positions)
    np.testing.assert_allclose(logits[0], stored["logits"], atol=2e-4)
    assert session.greedy(prompt, COUNT) == stored["continuation"]
