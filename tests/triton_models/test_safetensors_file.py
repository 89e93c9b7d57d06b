import struct

import numpy as np
import pytest

from tests.triton_models.tiny_adapter import write_safetensors
from triton_models.chat_lm.generation.safetensors_file import SafetensorsFile, UnreadableTensors


@pytest.fixture
def path(tmp_path):
    return tmp_path / "some.safetensors"


def test_tensors_come_as_they_were_written(path):
    first, second = np.arange(6, dtype=np.float32).reshape(2, 3), np.ones(2, np.float16)
    write_safetensors(path, {"first": first, "second": second})
    file = SafetensorsFile(path)
    assert file.shapes == {"first": (2, 3), "second": (2,)}
    assert np.array_equal(file.tensor("first"), first)
    assert file.tensor("second").dtype == np.float32


def test_bfloat16_keeps_its_values(path):
    values = np.array([1.0, -2.5, 3e38, 1e-30], np.float32)
    upper = (values.view(np.uint32) >> 16).astype(np.uint16)
    write_safetensors(path, {"x": upper}, kinds={"x": "BF16"})
    assert SafetensorsFile(path).tensor("x") == pytest.approx(values, rel=2**-7)


def test_whole_numbers_are_no_weights(path):
    write_safetensors(path, {"x": np.ones(2, np.int64)})
    with pytest.raises(UnreadableTensors, match="I64"):
        SafetensorsFile(path).tensor("x")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"abc", "too short"),
        (struct.pack("<Q", 1 << 40) + b"{}", "cut short"),
        (struct.pack("<Q", 4) + b"{oh}", "not JSON"),
    ],
)
def test_another_file_is_refused_by_name(path, content, complaint):
    path.write_bytes(content)
    with pytest.raises(UnreadableTensors, match=complaint) as error:
        SafetensorsFile(path)
    assert "some.safetensors" in str(error.value)


def test_a_file_that_is_cut_off_is_refused_before_anything_is_read(path):
    write_safetensors(path, {"x": np.ones(1000, np.float32)})
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UnreadableTensors, match="cut short: tensor x is not whole"):
        SafetensorsFile(path)
