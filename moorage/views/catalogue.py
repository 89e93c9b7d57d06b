"""Presets and instance types, as tables and as plain objects."""

from collections.abc import Iterable
from typing import Any

from rich.table import Table

from api.names import INSTANCE_TYPES_PREFIX, PRESETS_PREFIX
from api.v1 import catalog_service_pb2 as catalog
from moorage.views.documents import fields


def preset_object(preset: catalog.Preset) -> dict[str, Any]:
    """Under the plain name, as a workspace names it."""
    source = catalog.Preset.WeightsSource.Name(preset.weights_source)
    return fields(preset) | {
        "name": preset.name.removeprefix(PRESETS_PREFIX),
        "weightsSource": source.removeprefix("WEIGHTS_SOURCE_").replace("_", "-").lower(),
        "kvBytesPerToken": preset.kv_bytes_per_token,
    }


def instance_type_object(instance_type: catalog.InstanceType) -> dict[str, Any]:
    """Under the plain name, as a workspace names it."""
    name = instance_type.name.removeprefix(INSTANCE_TYPES_PREFIX)
    return fields(instance_type) | {"name": name}


def presets_table(presets: Iterable[catalog.Preset]) -> Table:
    table = _table("NAME", "WEIGHTS", "CONTEXT", "NEEDS GPU", "TUNABLE", "LICENCE", "MODEL")
    for preset in presets:
        table.add_row(
            preset.name.removeprefix(PRESETS_PREFIX),
            f"{preset.weights_gib:.2f} GiB",
            str(preset.token_limit),
            _yes(preset.needs_gpu),
            _yes(preset.tunable),
            preset.license,
            preset.model_id,
        )
    return table


def instance_types_table(instance_types: Iterable[catalog.InstanceType]) -> Table:
    table = _table("NAME", "GPUS", "GPU", "GPU MEMORY", "VCPUS", "MEMORY", "FAMILY", "RETIRED")
    for item in instance_types:
        table.add_row(
            item.name.removeprefix(INSTANCE_TYPES_PREFIX),
            str(item.gpus),
            item.gpu_model,
            f"{item.gpu_memory_gib} GiB" if item.gpus else "",
            str(item.vcpus),
            f"{item.memory_gib} GiB",
            item.family,
            item.retirement_date,
        )
    return table


def _table(*headers: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="")
    for header in headers:
        table.add_column(header, no_wrap=True)
    return table


def _yes(it: object) -> str:
    return "yes" if it else ""
