import pytest

from triton_models.chat_lm.generation.manifest import FloatType
from triton_models.chat_lm.generation.provider import (
    CPU,
    CUDA,
    ProviderUnavailable,
    check_in_use,
    execution_providers,
)

FP16, FP32 = FloatType.FLOAT16, FloatType.FLOAT32


@pytest.mark.parametrize("float_type", FloatType)
def test_an_instance_on_the_cpu_leaves_a_gpu_alone(float_type):
    providers = execution_providers("CPU", "0", float_type=float_type, available=[CUDA, CPU])
    assert providers == [CPU]


def test_an_instance_on_a_gpu_uses_the_one_that_triton_gave_it():
    providers = execution_providers("GPU", "3", float_type=FP16, available=[CUDA, CPU])
    assert providers == [(CUDA, {"device_id": 3})]


def test_without_cuda_it_is_said_what_to_install():
    with pytest.raises(ProviderUnavailable, match=r"GPU 1.*only CPU.*: install onnxruntime-gpu"):
        execution_providers("GPU", "1", float_type=FP16, available=[CPU])


def test_a_graph_that_a_gpu_cannot_run_is_refused_with_what_to_build():
    with pytest.raises(ProviderUnavailable, match=r"float32.*--precision=fp16"):
        execution_providers("GPU", "0", float_type=FP32, available=[CUDA, CPU])


def test_an_unknown_kind_is_refused_by_name():
    with pytest.raises(ProviderUnavailable, match="kind MODEL"):
        execution_providers("MODEL", "0", float_type=FP16, available=[CPU])


def test_a_session_that_fell_back_is_found_out():
    wanted = [(CUDA, {"device_id": 0})]
    check_in_use(wanted, [CUDA, CPU])
    with pytest.raises(ProviderUnavailable, match=f"could not start {CUDA} and fell back to {CPU}"):
        check_in_use(wanted, [CPU])
