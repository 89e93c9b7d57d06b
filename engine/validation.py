"""The rules that a workspace must keep, one function a rule, all violations at once.

They follow KAITO's admission (``api/v1beta1/workspace_validation.go``) for the fields served
today. The CRD's schema holds the same rules for kubectl; ``deploy/crds`` is generated from the
same catalogue.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator

from engine.capacity_type import CapacityType
from engine.errors import Violation
from engine.instance_types import INSTANCE_TYPES, find_instance_type
from engine.presets import PRESETS, find_preset
from engine.workspace import DataSource, TuningMethod, WorkspaceRef, WorkspaceSpec

MAX_NAME_LENGTH = 63
DNS_1123_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
MAX_ADAPTERS = 10

IMAGE_REFERENCE = re.compile(
    r"(?:(?:[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)*"
    r"(?::[0-9]+)?/)?"
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
    r"(?::[\w][\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*:[0-9a-fA-F]{32,})?"
)
"""The grammar of the OCI distribution's ``reference`` package."""

DNS_1123_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


def validate_new(ref: WorkspaceRef, spec: WorkspaceSpec) -> tuple[Violation, ...]:
    """Everything wrong with a workspace that is to be created."""
    return (*_name(ref), *_violations(spec, _CREATE_RULES))


def validate_update(old: WorkspaceSpec, new: WorkspaceSpec) -> tuple[Violation, ...]:
    """Everything wrong with a change; what stays as it was is not judged again."""
    if old == new:
        return ()
    earlier = set(_violations(old, _CREATE_RULES))
    fresh = (v for v in _violations(new, _CREATE_RULES) if v not in earlier)
    return (*fresh, *_immutable(old, new))


def _violations(spec: WorkspaceSpec, rules: Iterable["Rule"]) -> tuple[Violation, ...]:
    return tuple(violation for rule in rules for violation in rule(spec))


Rule = Callable[[WorkspaceSpec], Iterator[Violation]]


def _name(ref: WorkspaceRef) -> Iterator[Violation]:
    if len(ref.name) > MAX_NAME_LENGTH or not DNS_1123_LABEL.fullmatch(ref.name):
        yield Violation(
            field="metadata.name",
            description=f"{ref.name!r} is not a DNS-1123 label: at most {MAX_NAME_LENGTH} "
            "lower-case letters, digits and hyphens, with a letter or digit at each end",
        )


def _one_purpose(spec: WorkspaceSpec) -> Iterator[Violation]:
    if spec.inference is None and spec.tuning is None:
        yield Violation(
            field="inference",
            description="either inference or tuning must be specified, not neither",
        )
    if spec.inference is not None and spec.tuning is not None:
        yield Violation(
            field="tuning", description="either inference or tuning must be specified, but not both"
        )


def _instance_type(spec: WorkspaceSpec) -> Iterator[Violation]:
    name = spec.resource.instance_type
    if not name:
        yield Violation(
            field="resource.instanceType",
            description="is required: nodes are provisioned for each workspace",
        )
    elif find_instance_type(name) is None:
        yield Violation(
            field="resource.instanceType",
            description=f"unsupported instance type {name!r}; supported: "
            + ", ".join(INSTANCE_TYPES),
        )


def unknown_offerings(spec: WorkspaceSpec) -> Iterator[Violation]:
    """Instance types and capacity types in the lists of fallbacks that there are not."""
    for index, name in enumerate(spec.resource.fallback_instance_types):
        if find_instance_type(name) is None:
            yield Violation(
                field=f"resource.fallbackInstanceTypes[{index}]",
                description=f"unsupported instance type {name!r}; supported: "
                + ", ".join(INSTANCE_TYPES),
            )
    for index, name in enumerate(spec.resource.capacity_types):
        if name not in set(CapacityType):
            yield Violation(
                field=f"resource.capacityTypes[{index}]",
                description=f"{name!r} is neither {' nor '.join(CapacityType)}",
            )


def _count(spec: WorkspaceSpec) -> Iterator[Violation]:
    if spec.resource.count < 1:
        yield Violation(field="resource.count", description="must be at least 1")
    if spec.tuning is not None and spec.resource.count > 1:
        yield Violation(field="resource.count", description="tuning does not support multinode")


def _inference(spec: WorkspaceSpec) -> Iterator[Violation]:
    if spec.inference is None:
        return
    if (spec.inference.preset is None) == (spec.inference.template is None):
        both = "not both" if spec.inference.preset is not None else "not neither"
        yield Violation(
            field="inference.preset", description=f"set either preset or template, {both}"
        )
    if spec.inference.preset is not None:
        yield from _preset("inference.preset.name", spec.inference.preset.name)


def _preset(field: str, name: str) -> Iterator[Violation]:
    if find_preset(name) is None:
        yield Violation(
            field=field,
            description=f"unsupported preset {name!r}; supported: " + ", ".join(PRESETS),
        )


def _adapters(spec: WorkspaceSpec) -> Iterator[Violation]:
    adapters = spec.inference.adapters if spec.inference else ()
    if len(adapters) > MAX_ADAPTERS:
        yield Violation(
            field="inference.adapters", description=f"a maximum of {MAX_ADAPTERS} is supported"
        )
    seen: set[str] = set()
    for index, adapter in enumerate(adapters):
        path = f"inference.adapters[{index}]"
        yield from _strength(f"{path}.strength", adapter.strength)
        name = adapter.source.name
        if not DNS_1123_SUBDOMAIN.fullmatch(name):
            yield Violation(
                field=f"{path}.source.name", description=f"{name!r} is not a DNS-1123 subdomain"
            )
        elif name in seen:
            yield Violation(
                field=f"{path}.source.name", description=f"duplicate adapter name {name!r}"
            )
        seen.add(name)
        if adapter.source.urls:
            yield Violation(
                field=f"{path}.source.urls",
                description="adapters come from an image or a volume, not from URLs",
            )
        elif (not adapter.source.image) == (adapter.source.volume is None):
            yield Violation(
                field=f"{path}.source", description="set exactly one of image and volumeSource"
            )


def _strength(field: str, strength: str) -> Iterator[Violation]:
    try:
        value = float(strength)
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= 1.0:
        yield Violation(field=field, description=f"{strength!r} is not a number from 0 to 1")


def _tuning(spec: WorkspaceSpec) -> Iterator[Violation]:
    tuning = spec.tuning
    if tuning is None:
        return
    if tuning.preset is None:
        yield Violation(field="tuning.preset", description="is required")
    else:
        yield from _preset("tuning.preset.name", tuning.preset.name)
    if tuning.method.lower() not in set(TuningMethod):
        yield Violation(
            field="tuning.method", description=f"{tuning.method!r} is neither lora nor qlora"
        )
    if tuning.input is None:
        yield Violation(field="tuning.input", description="is required")
    else:
        yield from _one_source("tuning.input", tuning.input)
    if tuning.output is None:
        yield Violation(field="tuning.output", description="is required")
        return
    if (not tuning.output.image) == (tuning.output.volume is None):
        yield Violation(
            field="tuning.output", description="set exactly one of image and volumeSource"
        )
    if tuning.output.image and not tuning.output.image_push_secret:
        yield Violation(
            field="tuning.output.imagePushSecret", description="is required to push the image"
        )


def _one_source(field: str, source: DataSource) -> Iterator[Violation]:
    given = [bool(source.urls), bool(source.image), source.volume is not None]
    if sum(given) != 1:
        yield Violation(field=field, description="set exactly one of urls, image and volumeSource")


_CREATE_RULES: tuple[Rule, ...] = (
    _one_purpose,
    _instance_type,
    unknown_offerings,
    _count,
    _inference,
    _adapters,
    _tuning,
)


def _immutable(old: WorkspaceSpec, new: WorkspaceSpec) -> Iterator[Violation]:
    """KAITO's U1 to U4 and U7."""
    fields: tuple[tuple[str, Callable[[WorkspaceSpec], object]], ...] = (
        ("inference", lambda spec: spec.inference is None),
        ("tuning", lambda spec: spec.tuning is None),
        ("resource.count", lambda spec: spec.resource.count),
        ("resource.instanceType", lambda spec: spec.resource.instance_type),
        ("resource.labelSelector", lambda spec: dict(spec.resource.match_labels)),
        ("inference.preset", lambda spec: spec.inference and spec.inference.preset),
        ("tuning.preset", lambda spec: spec.tuning and spec.tuning.preset),
        ("tuning.method", lambda spec: spec.tuning and spec.tuning.method.lower()),
    )
    for path, read in fields:
        if read(old) != read(new):
            yield Violation(field=path, description="cannot be changed: create another workspace")


def warnings(spec: WorkspaceSpec) -> tuple[str, ...]:
    """What is accepted, and will bite later."""
    return tuple(_warnings(spec))


def _warnings(spec: WorkspaceSpec) -> Iterator[str]:
    instance_type = find_instance_type(spec.resource.instance_type)
    if instance_type is not None and instance_type.retired is not None:
        yield (
            f"resource.instanceType: {instance_type.name} was retired by Azure on "
            f"{instance_type.retired.isoformat()}: a real subscription refuses it"
        )
    for field, image in _images(spec):
        if image and not IMAGE_REFERENCE.fullmatch(image):
            yield f"{field}: {image!r} is not a valid image reference"
    if spec.tuning is not None and spec.tuning.output is not None:
        secret = spec.tuning.output.image_push_secret
        if secret and not DNS_1123_SUBDOMAIN.fullmatch(secret):
            yield f"tuning.output.imagePushSecret: {secret!r} is not a valid Secret name"
    if spec.tuning is not None:
        yield "tuning: accepted and stored, but tuning is not served yet"


def _images(spec: WorkspaceSpec) -> Iterator[tuple[str, str]]:
    if spec.inference is not None:
        if spec.inference.preset is not None:
            yield "inference.preset.presetOptions.image", spec.inference.preset.image
        for index, adapter in enumerate(spec.inference.adapters):
            yield f"inference.adapters[{index}].source.image", adapter.source.image
    if spec.tuning is not None:
        if spec.tuning.input is not None:
            yield "tuning.input.image", spec.tuning.input.image
        if spec.tuning.output is not None:
            yield "tuning.output.image", spec.tuning.output.image
