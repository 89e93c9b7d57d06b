"""The real weights, converted: exactly the reference's tokens."""

import json
from pathlib import Path

import numpy as np
import pytest

from triton_models.chat_lm.generation.decoder import OnnxDecoder
from triton_models.chat_lm.generation.manifest import MODEL_NAME, read_manifest
from triton_models.chat_lm.generation.text import Language

CASES = json.loads(Path(__file__).with_name("smollm2_reference.json").read_text())


@pytest.fixture(scope="module")
def artefacts(model_repository):
    return model_repository / "smollm2-135m-instruct" / "1"


@pytest.fixture(scope="module")
def smollm2(artefacts):
    shape = read_manifest(artefacts).shape
    return OnnxDecoder(artefacts / MODEL_NAME, shape, rows=3, context_length=128, threads=2)


def test_prompts_become_the_reference_tokens(artefacts):
    language = Language(artefacts, begin_token=None, end_token=2)
    for case in CASES:
        message = {"role": "user", "content": case["text"]}
        assert language.encode_chat([message]) == case["prompt"]


def test_logits_and_greedy_tokens_are_the_references_for_all_prompts_in_one_batch(smollm2):
    rows = []
    for slot, case in enumerate(CASES):
        logits = smollm2.extend(slot, 0, case["prompt"], ())[-1]
        for token, value in case["best_logits"].items():
            assert logits[int(token)] == pytest.approx(value, abs=1e-3)
        rows.append([int(np.argmax(logits))])
    for _ in range(len(CASES[0]["continuation"]) - 1):
        lengths = [len(case["prompt"]) + len(row) for case, row in zip(CASES, rows, strict=True)]
        logits = smollm2.decode([row[-1] for row in rows], lengths, [()] * len(rows))
        for row, scores in zip(rows, logits, strict=True):
            row.append(int(np.argmax(scores)))
    assert rows == [case["continuation"] for case in CASES]
