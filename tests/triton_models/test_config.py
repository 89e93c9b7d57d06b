"""Triton's settings of the model, read as Triton reads them."""

from pathlib import Path

import pytest
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from triton_models import chat_lm
from triton_models.conversion.repository import gpu_config


@pytest.fixture
def config():
    text = (Path(chat_lm.__file__).parent / "config.pbtxt").read_text()
    return text_format.Parse(text, model_config_pb2.ModelConfig())


def test_on_gpus_it_has_an_instance_each_and_all_else_is_as_on_cpus(config):
    gpu = text_format.Parse(gpu_config(), model_config_pb2.ModelConfig())
    group = model_config_pb2.ModelInstanceGroup
    assert [(one.kind, one.count) for one in config.instance_group] == [(group.KIND_CPU, 1)]
    # On each GPU that there is, where none is named.
    assert [(one.kind, one.count, list(one.gpus)) for one in gpu.instance_group] == [
        (group.KIND_GPU, 1, [])
    ]
    for one in (config, gpu):
        del one.instance_group[:]
    assert gpu == config
