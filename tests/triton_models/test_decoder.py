"""To the last bit: what an answer is must not depend on its company."""

import numpy as np
import pytest

from triton_models.chat_lm.generation.decoder import OnnxDecoder
from triton_models.chat_lm.generation.manifest import MODEL_NAME, read_manifest

PROMPT = [(7 * place) % 250 + 3 for place in range(50)]


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
def decoder(tiny_artefacts, request) -> OnnxDecoder:
    shape = read_manifest(tiny_artefacts).shape
    model = tiny_artefacts / MODEL_NAME
    return OnnxDecoder(model, shape, rows=6, context_length=64, threads=request.param)


def fill(decoder, slot, tokens, length=1000):
    start = 0
    while start < len(tokens):
        chunk = tokens[start : start + length]
        logits = decoder.extend(slot, start, chunk, ())
        start += len(chunk)
    return logits[-1]


@pytest.mark.parametrize("length", [2, 6, 16, 32, 48])
def test_a_prompt_has_the_same_bits_in_all_chunks(decoder, length):
    whole = fill(decoder, 0, PROMPT)
    assert np.array_equal(fill(decoder, 1, PROMPT, length), whole)
    assert np.array_equal(decoder.read(1, 0, 50), decoder.read(0, 0, 50))


@pytest.mark.parametrize("count", [2, 3, 4, 6])
def test_a_row_has_the_same_bits_alone_and_in_a_batch(decoder, count):
    for slot in range(count):
        fill(decoder, slot, PROMPT[: 50 - 7 * slot])
    alone = decoder.decode([9], [51], [()]).copy()
    written = decoder.read(0, 50, 51)
    lengths = [51 - 7 * slot for slot in range(count)]
    together = decoder.decode([9] * count, lengths, [()] * count)
    assert np.array_equal(together[0], alone[0])
    assert np.array_equal(decoder.read(0, 50, 51), written)
    assert not np.array_equal(together[1], alone[0])


def test_logits_can_be_had_of_several_positions(decoder):
    fill(decoder, 0, PROMPT)
    several = decoder.extend(1, 0, PROMPT, (), positions=3)
    for place, end in enumerate((48, 49, 50)):
        assert np.array_equal(several[place], fill(decoder, 2, PROMPT[:end]))


def test_what_was_read_can_be_written_elsewhere(decoder):
    whole = fill(decoder, 0, PROMPT)
    decoder.write(3, 0, decoder.read(0, 0, 16))
    decoder.write(3, 16, decoder.read(0, 16, 40))
    assert np.array_equal(decoder.extend(3, 40, PROMPT[40:], ())[-1], whole)


def test_a_copied_slot_goes_on_like_the_original(decoder):
    fill(decoder, 5, PROMPT)
    decoder.copy(5, 0, 50)
    first = decoder.decode([9], [51], [()]).copy()
    fill(decoder, 0, PROMPT)
    assert np.array_equal(decoder.decode([9], [51], [()]), first)
