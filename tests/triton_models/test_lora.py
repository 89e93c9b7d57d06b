import numpy as np
import pytest

from tests.triton_models.tiny_adapter import write_adapter
from triton_models.chat_lm.generation.lora import UnusableAdapter, read_lora

QUERY = "base_model.model.model.layers.3.self_attn.q_proj"


def matrices(rank=2, inputs=5, outputs=4):
    random = np.random.default_rng(1)
    return {
        f"{QUERY}.lora_A.weight": random.normal(size=(rank, inputs)).astype(np.float32),
        f"{QUERY}.lora_B.weight": random.normal(size=(outputs, rank)).astype(np.float32),
    }


@pytest.mark.parametrize(
    ("config", "scale"), [({}, 8.0), ({"use_rslora": True}, 16 / 2**0.5), ({"lora_alpha": 1}, 0.5)]
)
def test_the_change_is_what_peft_adds(tmp_path, config, scale):
    tensors = matrices()
    lora = read_lora(write_adapter(tmp_path / "a", tensors, rank=2, **config))
    change = lora.linears[3, "q_proj"]
    down, up = tensors.values()
    assert lora.rank == 2
    assert pytest.approx(scale * up @ down, rel=1e-5) == (change.down @ change.up).T


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({"peft_type": "IA3"}, "IA3"),
        ({"use_dora": True}, "use_dora"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"alpha_pattern": {"q_proj": 4}}, "alpha_pattern"),
        ({"bias": "all"}, "biases"),
    ],
)
def test_what_is_applied_in_another_way_is_refused(tmp_path, config, complaint):
    folder = write_adapter(tmp_path / "mine", matrices(), rank=2, **config)
    with pytest.raises(UnusableAdapter, match=f"mine cannot be used: .*{complaint}"):
        read_lora(folder)


def test_other_tensors_than_those_of_linears_are_refused(tmp_path):
    tensors = {**matrices(), "base_model.model.lm_head.lora_A.weight": np.ones((2, 5), np.float32)}
    with pytest.raises(UnusableAdapter, match="lm_head"):
        read_lora(write_adapter(tmp_path / "a", tensors, rank=2))


@pytest.mark.parametrize("missing", ["A", "B"])
def test_half_a_pair_is_refused(tmp_path, missing):
    tensors = {name: value for name, value in matrices().items() if f"lora_{missing}" not in name}
    with pytest.raises(UnusableAdapter, match="layer 3, q_proj"):
        read_lora(write_adapter(tmp_path / "a", tensors, rank=2))


@pytest.mark.parametrize("missing", ["adapter_config.json", "adapter_model.safetensors"])
def test_a_folder_without_its_files_is_refused_with_what_it_should_have(tmp_path, missing):
    folder = write_adapter(tmp_path / "a", matrices(), rank=2)
    (folder / missing).unlink()
    with pytest.raises(UnusableAdapter, match=r"adapter_config\.json and adapter_model"):
        read_lora(folder)


def test_a_config_that_is_not_json_is_refused(tmp_path):
    folder = write_adapter(tmp_path / "a", matrices(), rank=2)
    (folder / "adapter_config.json").write_text("{")
    with pytest.raises(UnusableAdapter, match="a cannot be used"):
        read_lora(folder)


def test_an_adapter_without_weights_is_refused(tmp_path):
    with pytest.raises(UnusableAdapter, match="no weights"):
        read_lora(write_adapter(tmp_path / "a", {}, rank=2))
