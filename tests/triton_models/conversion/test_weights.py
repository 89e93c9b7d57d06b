import gguf
import numpy as np
import pytest

from tests.triton_models.conversion.graph_session import GraphSession
from tests.triton_models.conversion.tiny_checkpoints import write_tiny_checkpoint
from triton_models.chat_lm.generation.manifest import Precision, Source
from triton_models.conversion.artefacts import make_artefacts
from triton_models.conversion.checkpoint import UnsupportedWeights
from triton_models.conversion.weights import find_codes, quantize

SOURCE = Source(origin="random", file="tiny.gguf", sha256="0", licence="Apache-2.0")
WEIGHT = np.random.default_rng(3).normal(0.02, 0.1, (48, 96)).astype(np.float32)


def decoded(packed, scales, offsets) -> np.ndarray:
    codes = np.stack([packed & 15, packed >> 4], axis=-1).reshape(*scales.shape, 32)
    values = offsets[..., None] + (codes.astype(np.float64) - 8) * scales[..., None]
    return values.reshape(len(values), -1)


@pytest.mark.parametrize("kind", ["Q4_0", "Q4_1"])
def test_weights_of_four_bits_are_taken_as_they_are(kind):
    kind = gguf.GGMLQuantizationType[kind]
    weight = gguf.dequantize(gguf.quantize(WEIGHT, kind), kind)
    np.testing.assert_allclose(decoded(*find_codes("linear", weight)), weight, atol=1e-7)


@pytest.mark.parametrize("codes", [[0], [0, 3], [0, 2, 5], [7, 11, 13, 15]])
def test_blocks_that_use_few_of_their_codes_are_taken_as_they_are(codes):
    weight = 0.3 + 0.01 * np.resize(codes, (4, 64)).astype(np.float32)
    np.testing.assert_allclose(decoded(*find_codes("linear", weight)), weight, atol=1e-7)


def test_weights_of_more_bits_are_refused_by_name():
    with pytest.raises(UnsupportedWeights, match="linear was not published in four bits"):
        find_codes("linear", WEIGHT)


def test_eight_bits_are_off_by_half_a_step_at_most():
    codes, scales = quantize("linear", WEIGHT)
    values = ((codes.astype(np.float32) - 128) * scales[..., None]).reshape(WEIGHT.shape)
    steps = np.repeat(np.abs(WEIGHT).reshape(48, 6, 16).max(axis=2) / 127, 16, axis=1)
    assert (np.abs(values - WEIGHT) <= 0.501 * steps).all()


def test_a_block_of_zeros_stays_zero():
    codes, scales = quantize("linear", np.zeros((2, 32), np.float32))
    assert (codes == 128).all()
    assert (scales == 0).all()


def test_inputs_that_do_not_fill_their_blocks_are_refused():
    with pytest.raises(UnsupportedWeights, match="linear has 40 inputs"):
        quantize("linear", np.zeros((2, 40), np.float32))


def test_a_graph_of_four_bits_gives_the_reference_logits(tiny_gguf, reference, tmp_path):
    """The tiny file's linears are Q4_1, as those of SmolLM2's are."""
    manifest = make_artefacts(tiny_gguf, tmp_path, source=SOURCE, precision=Precision.INT4)
    session = GraphSession(tmp_path, manifest.shape)
    prompt = [10, 200, 31, 7, 90, 4]
    logits, cache = session.run([prompt], [6], session.empty_cache())
    np.testing.assert_allclose(logits[0, 0], reference.logits(prompt), atol=1e-4)
    logits, _ = session.run([[8]], [7], cache)
    np.testing.assert_allclose(logits[0, 0], reference.logits([*prompt, 8]), atol=1e-4)


def test_four_bits_of_a_folder_in_more_are_refused(tmp_path):
    folder = write_tiny_checkpoint(tmp_path / "folder", "llama")
    with pytest.raises(UnsupportedWeights, match=r"blk\.0\.attn_qkv was not published in four"):
        make_artefacts(folder, tmp_path, source=SOURCE, precision=Precision.INT4)
