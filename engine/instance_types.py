"""Instance types: the machines a node claim may ask for.

Sources: Azure's published size tables as KAITO carries them in ``pkg/sku/azure_sku_handler.go``;
the V100, T4 and M60 families left KAITO in v0.9, when it began to require compute capability 8.0.
Azure retired NCv3 (V100) on 2025-09-30 and NVv3 and NV (M60) on 2026-09-30 and 2023-09-06.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceType:
    """One kind of machine; ``gpu_memory_gib`` is the sum over its GPUs."""

    name: str
    gpus: int
    gpu_model: str
    gpu_memory_gib: int
    vcpus: int
    memory_gib: int
    family: str
    retired: date | None = None
    local: bool = False


def _azure(
    name: str,
    gpu: tuple[int, str, int],
    machine: tuple[int, int],
    *,
    family: str,
    retired: date | None = None,
) -> InstanceType:
    gpus, gpu_model, gpu_memory_gib = gpu
    vcpus, memory_gib = machine
    return InstanceType(
        name=name,
        gpus=gpus,
        gpu_model=gpu_model,
        gpu_memory_gib=gpu_memory_gib,
        vcpus=vcpus,
        memory_gib=memory_gib,
        family=family,
        retired=retired,
    )


_NCV3_RETIRED = date(2025, 9, 30)
_NVV3_RETIRED = date(2026, 9, 30)

_ALL = (
    InstanceType(
        name="local-cpu",
        gpus=0,
        gpu_model="",
        gpu_memory_gib=0,
        vcpus=2,
        memory_gib=4,
        family="local",
        local=True,
    ),
    _azure("Standard_NV36ads_A10_v5", (1, "NVIDIA A10", 24), (36, 440), family="NVadsA10v5"),
    _azure("Standard_NV72ads_A10_v5", (2, "NVIDIA A10", 48), (72, 880), family="NVadsA10v5"),
    _azure("Standard_NC24ads_A100_v4", (1, "NVIDIA A100", 80), (24, 220), family="NCADSA100v4"),
    _azure("Standard_NC48ads_A100_v4", (2, "NVIDIA A100", 160), (48, 440), family="NCADSA100v4"),
    _azure("Standard_NC96ads_A100_v4", (4, "NVIDIA A100", 320), (96, 880), family="NCADSA100v4"),
    _azure("Standard_ND96asr_A100_v4", (8, "NVIDIA A100", 320), (96, 900), family="NDASv4_A100"),
    _azure("Standard_ND96amsr_A100_v4", (8, "NVIDIA A100", 640), (96, 1900), family="NDAMSv4_A100"),
    _azure("Standard_NC40ads_H100_v5", (1, "NVIDIA H100", 94), (40, 320), family="NCadsH100v5"),
    _azure("Standard_NC80adis_H100_v5", (2, "NVIDIA H100", 188), (80, 640), family="NCadsH100v5"),
    _azure("Standard_ND96isr_H100_v5", (8, "NVIDIA H100", 640), (96, 1900), family="NDSH100v5"),
    _azure("Standard_NCC40ads_H100_v5", (1, "NVIDIA H100", 94), (40, 320), family="NCCadsH100v5"),
    _azure("Standard_ND96isr_H200_v5", (8, "NVIDIA H200", 1128), (96, 1850), family="NDSH200v5"),
    _azure("Standard_NC4as_T4_v3", (1, "NVIDIA T4", 16), (4, 28), family="NCASv3_T4"),
    _azure("Standard_NC8as_T4_v3", (1, "NVIDIA T4", 16), (8, 56), family="NCASv3_T4"),
    _azure("Standard_NC16as_T4_v3", (1, "NVIDIA T4", 16), (16, 110), family="NCASv3_T4"),
    _azure("Standard_NC64as_T4_v3", (4, "NVIDIA T4", 64), (64, 440), family="NCASv3_T4"),
    _azure(
        "Standard_NC6s_v3",
        (1, "NVIDIA V100", 16),
        (6, 112),
        family="NCSv3",
        retired=_NCV3_RETIRED,
    ),
    _azure(
        "Standard_NC12s_v3",
        (2, "NVIDIA V100", 32),
        (12, 224),
        family="NCSv3",
        retired=_NCV3_RETIRED,
    ),
    _azure(
        "Standard_NC24s_v3",
        (4, "NVIDIA V100", 64),
        (24, 448),
        family="NCSv3",
        retired=_NCV3_RETIRED,
    ),
    _azure(
        "Standard_NC24rs_v3",
        (4, "NVIDIA V100", 64),
        (24, 448),
        family="NCSv3",
        retired=_NCV3_RETIRED,
    ),
    _azure(
        "Standard_NV12s_v3",
        (1, "NVIDIA M60", 8),
        (12, 112),
        family="NVSv3",
        retired=_NVV3_RETIRED,
    ),
    _azure(
        "Standard_NV24s_v3",
        (2, "NVIDIA M60", 16),
        (24, 224),
        family="NVSv3",
        retired=_NVV3_RETIRED,
    ),
    _azure(
        "Standard_NV48s_v3",
        (4, "NVIDIA M60", 32),
        (48, 448),
        family="NVSv3",
        retired=_NVV3_RETIRED,
    ),
)

INSTANCE_TYPES: Mapping[str, InstanceType] = MappingProxyType({item.name: item for item in _ALL})

_BY_LOWER_NAME = {name.lower(): item for name, item in INSTANCE_TYPES.items()}


def find_instance_type(name: str) -> InstanceType | None:
    """The instance type of that name; Azure treats size names as case-insensitive, so do we."""
    return _BY_LOWER_NAME.get(name.lower())
