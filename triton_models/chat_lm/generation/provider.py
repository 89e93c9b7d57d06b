"""Which of onnxruntime's execution providers a model instance runs on."""

from collections.abc import Sequence
from typing import Any

from .manifest import FloatType

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
Provider = str | tuple[str, dict[str, Any]]


class ProviderUnavailable(Exception):
    """An instance cannot run where Triton placed it; the message says what to do."""


def execution_providers(
    kind: str, device_id: str, *, float_type: FloatType, available: Sequence[str]
) -> list[Provider]:
    """The providers for an instance, as ``onnxruntime.InferenceSession`` takes them.

    ``kind`` and ``device_id`` are Triton's ``model_instance_kind`` (CPU or GPU) and
    ``model_instance_device_id``; ``available`` is ``onnxruntime.get_available_providers()``.
    Raises ProviderUnavailable.
    """
    match kind:
        case "CPU":
            return [CPU]
        case "GPU":
            _check_cuda(device_id, float_type, available)
            return [(CUDA, {"device_id": int(device_id)})]
        case _:
            raise ProviderUnavailable(
                f"instances of kind {kind} are not known: set KIND_CPU or KIND_GPU"
            )


def check_in_use(wanted: Sequence[Provider], in_use: Sequence[str]) -> None:
    """Raises ProviderUnavailable where a session fell back to another provider.

    onnxruntime does so with no more than a warning, and answers then come many times slower.
    ``in_use`` is the session's ``get_providers()``.
    """
    first = wanted[0] if isinstance(wanted[0], str) else wanted[0][0]
    if first not in in_use:
        raise ProviderUnavailable(
            f"onnxruntime could not start {first} and fell back to {', '.join(in_use)}: its log "
            "above says why; check that the GPU is visible here, and that driver, CUDA and cuDNN "
            "are those that the installed onnxruntime-gpu was built for"
        )


def _check_cuda(device_id: str, float_type: FloatType, available: Sequence[str]) -> None:
    if CUDA not in available:
        raise ProviderUnavailable(
            f"Triton placed this instance on GPU {device_id}, and the installed onnxruntime has no "
            f"{CUDA}, only {', '.join(available)}: install onnxruntime-gpu in its place, or serve "
            "with KIND_CPU"
        )
    if float_type is not FloatType.FLOAT16:  # its GroupQueryAttention has no other kernels
        raise ProviderUnavailable(
            f"this graph computes in {float_type}, and on a GPU only float16 can be served: build "
            "the model with --precision=fp16"
        )
