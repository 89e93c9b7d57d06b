"""The converted graph against an independent forward pass."""

import numpy as np
import pytest

from tests.triton_models.tiny_model import write_tiny_gguf
from triton_models.conversion.checkpoint import UnsupportedWeights
from triton_models.conversion.gguf_checkpoint import GgufCheckpoint

PROMPTS = ([5], [10, 200, 31, 7], list(range(40, 70)))


@pytest.mark.parametrize("prompt", PROMPTS)
def test_prefill_gives_the_reference_logits(decoder, reference, prompt):
    logits = decoder.extend(0, 0, prompt, ())[-1]
    np.testing.assert_allclose(logits, reference.logits(prompt), atol=1e-4)


def test_decoding_from_the_cache_gives_the_logits_of_the_whole_text(decoder, reference):
    decoder.extend(0, 0, [10, 200, 31], ())
    decoder.decode([7], [4], [()])
    logits = decoder.decode([90], [5], [()])[0]
    np.testing.assert_allclose(logits, reference.logits([10, 200, 31, 7, 90]), atol=1e-4)


def test_rows_of_different_lengths_do_not_see_one_another(decoder, reference):
    for slot, prompt in enumerate(PROMPTS):
        decoder.extend(slot, 0, prompt, ())
    lengths = [len(prompt) + 1 for prompt in PROMPTS]
    logits = decoder.decode([3, 4, 5], lengths, [()] * 3)
    for row, (prompt, token) in enumerate(zip(PROMPTS, (3, 4, 5), strict=True)):
        expected = reference.logits([*prompt, token])
        np.testing.assert_allclose(logits[row], expected, atol=1e-4)


def test_a_copied_sequence_goes_on_as_before(decoder, reference):
    decoder.extend(0, 0, PROMPTS[1], ())
    decoder.extend(1, 0, PROMPTS[2], ())
    decoder.copy(1, 0, len(PROMPTS[2]))
    logits = decoder.decode([9], [len(PROMPTS[2]) + 1], [()])[0]
    np.testing.assert_allclose(logits, reference.logits([*PROMPTS[2], 9]), atol=1e-4)


def test_other_architectures_are_refused_by_name(tmp_path):
    path = write_tiny_gguf(tmp_path / "other.gguf", architecture="falcon")
    with pytest.raises(UnsupportedWeights, match="'falcon' is not one of llama"):
        GgufCheckpoint(path)
