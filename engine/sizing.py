"""How many nodes a workspace needs, and why.

The formula is KAITO's node estimator (``pkg/workspace/estimator/nodesestimator``), with one
difference: the least number of GPUs is rounded up, as its documentation says, and not increased by
one where it divides exactly, as its code does.
"""

import math
from dataclasses import dataclass, replace

from engine.instance_types import InstanceType, find_instance_type
from engine.presets import Preset, find_preset
from engine.reason import Reason
from engine.validation import IMAGE_REFERENCE, unknown_offerings
from engine.workspace import (
    CAPACITY_TYPES_ANNOTATION,
    FALLBACKS_ANNOTATION,
    Inference,
    Offering,
    Plan,
    WorkspaceSpec,
)

PLANNED_CONTEXT_TOKENS = 2048
LOADED_OVER_STORED = 1.02
USABLE_GPU_SHARE = 0.84
RESERVED_PER_GPU_GIB = 2.3
FRAGMENTATION = 1.05


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRefusal:
    """Why no plan can be made, and what the user may do about it."""

    reason: Reason
    message: str
    remedy: str


def plan(spec: WorkspaceSpec, offering: Offering) -> Plan | PlanRefusal:
    """What to ask the world for, if it is to be this offering."""
    if spec.inference is None:
        return PlanRefusal(
            reason=Reason.TUNING_NOT_SERVED,
            message="tuning is not served yet: the workspace is stored, and nothing runs for it",
            remedy="delete it, or keep it until a release that serves tuning takes it up",
        )
    if spec.inference.preset is None:
        return PlanRefusal(
            reason=Reason.TEMPLATE_NOT_SERVED,
            message="inference templates are not served yet: only presets are",
            remedy="name a preset in inference.preset.name; `moorage presets` lists them",
        )
    preset = find_preset(spec.inference.preset.name)
    instance_type = find_instance_type(offering.instance_type)
    malformed = _malformed_offerings(spec)
    if malformed is not None:
        return malformed
    if preset is None or instance_type is None:
        return _unknown(spec, preset)
    made = _malformed_adapter(spec.inference) or _fit(preset, instance_type)
    return replace(made, capacity_type=offering.capacity_type) if isinstance(made, Plan) else made


_ANNOTATIONS = {
    "resource.fallbackInstanceTypes": FALLBACKS_ANNOTATION,
    "resource.capacityTypes": CAPACITY_TYPES_ANNOTATION,
}


def _malformed_offerings(spec: WorkspaceSpec) -> PlanRefusal | None:
    """Annotations are free text to Kubernetes: what they name is first judged here."""
    wrong = next(unknown_offerings(spec), None)
    if wrong is None:
        return None
    annotation = _ANNOTATIONS[wrong.field.partition("[")[0]]
    return PlanRefusal(
        reason=Reason.SPEC_INVALID,
        message=f"annotation {annotation}: {wrong.description}",
        remedy="correct the annotation (`kubectl annotate --overwrite`); then `moorage retry`",
    )


def _malformed_adapter(inference: Inference) -> PlanRefusal | None:
    """Found before any node is paid for: an image that can never be pulled."""
    for index, adapter in enumerate(inference.adapters):
        image = adapter.source.image
        if image and not IMAGE_REFERENCE.fullmatch(image):
            return PlanRefusal(
                reason=Reason.IMAGE_NAME_INVALID,
                message=f"adapter {adapter.source.name} cannot be pulled: {image!r} is not a "
                "valid image reference",
                remedy=f"put the real image into inference.adapters[{index}].source.image",
            )
    return None


def _unknown(spec: WorkspaceSpec, preset: Preset | None) -> PlanRefusal:
    """An object stored under other rules than today's admission has."""
    if preset is None and spec.inference is not None and spec.inference.preset is not None:
        message = f"preset {spec.inference.preset.name} is not in the catalogue"
    else:
        message = f"instance type {spec.resource.instance_type!r} is not in the catalogue"
    return PlanRefusal(
        reason=Reason.SPEC_INVALID,
        message=message,
        remedy="create the workspace again with a name that `moorage presets` and "
        "`moorage instance-types` list",
    )


def _fit(preset: Preset, instance_type: InstanceType) -> Plan | PlanRefusal:
    if instance_type.gpus == 0:
        return _fit_cpu(preset, instance_type)
    per_gpu = instance_type.gpu_memory_gib / instance_type.gpus
    usable = per_gpu * USABLE_GPU_SHARE
    kv_gib = min(PLANNED_CONTEXT_TOKENS, preset.token_limit) * preset.kv_bytes_per_token / 2**30
    reserved = RESERVED_PER_GPU_GIB + kv_gib / instance_type.gpus
    room = (usable - reserved) / FRAGMENTATION
    if room <= 0:
        return _too_large(
            preset,
            f"a GPU of {instance_type.name} has {usable:.1f} GiB to use, and {reserved:.1f} GiB "
            "of that go to the runtime and the KV cache",
        )
    loaded = preset.weights_gib * LOADED_OVER_STORED
    gpus = math.ceil(loaded / room)
    nodes = math.ceil(gpus / instance_type.gpus)
    return Plan(
        preset=preset.name,
        instance_type=instance_type.name,
        node_count=nodes,
        gpus_per_node=instance_type.gpus,
        disk_gib=preset.disk_gib,
        why=f"{preset.name} loads {loaded:.2f} GiB; each GPU of {instance_type.name} has "
        f"{room:.2f} GiB for weights ({per_gpu:g} GiB x {USABLE_GPU_SHARE}, less {reserved:.2f} "
        f"GiB for runtime and KV cache): {gpus} GPU(s), {nodes} node(s)",
    )


def _fit_cpu(preset: Preset, instance_type: InstanceType) -> Plan | PlanRefusal:
    if preset.needs_gpu:
        return _too_large(preset, f"it needs a GPU, and {instance_type.name} has none")
    return Plan(
        preset=preset.name,
        instance_type=instance_type.name,
        node_count=1,
        gpus_per_node=0,
        disk_gib=max(1, math.ceil(2 * preset.weights_gib)),
        why=f"{preset.name} loads {preset.weights_gib:.2f} GiB and runs on CPU: one node",
    )


def _too_large(preset: Preset, because: str) -> PlanRefusal:
    return PlanRefusal(
        reason=Reason.PRESET_TOO_LARGE,
        message=f"{preset.name} does not fit: {because}",
        remedy="create the workspace again with a larger instance type; "
        "`moorage instance-types` lists them",
    )
