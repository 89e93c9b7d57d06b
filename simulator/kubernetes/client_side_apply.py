"""How client-side apply hands over to server-side apply.

``kubectl apply`` of the client-side kind keeps what it last applied in an annotation. When the same
kubectl applies server-side, fields that still stand as it left them are its own, and the annotation
follows along (apimachinery, managedfields/internal/lastapplied*.go).
"""

import json
from collections.abc import Mapping

from simulator.kubernetes.field_sets import NOTHING, Fields, compare, fields_of
from simulator.kubernetes.managed_fields import Owner
from simulator.kubernetes.merge_shapes import Shape
from simulator.kubernetes.status import Object

ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
_KUBECTL = "kubectl"


def unsettled(
    conflicts: Mapping[Owner, Fields], owner: Owner, live: Object, shape: Shape
) -> dict[Owner, Fields]:
    """The conflicts that are not with kubectl's own former self."""
    own = _still_as_applied(live, shape) if owner.manager == _KUBECTL else NOTHING
    remaining = {other: fields - own for other, fields in conflicts.items()}
    return {other: fields for other, fields in remaining.items() if fields}


def _still_as_applied(live: Object, shape: Shape) -> Fields:
    try:
        last_applied = json.loads(_annotation(live))
    except ValueError:
        return NOTHING
    if not isinstance(last_applied, dict):
        return NOTHING
    changed = compare(last_applied, live, shape)
    return fields_of(last_applied, shape) - changed.modified - changed.removed


def with_annotation_in_step(obj: Object, config: Object, owner: Owner) -> Object:
    """The annotation, where there is one, tells what kubectl has applied now."""
    if owner.manager != _KUBECTL or not _annotation(obj):
        return obj
    metadata = obj["metadata"]
    text = json.dumps(_without_annotation(config), separators=(",", ":")) + "\n"
    annotations = {**metadata["annotations"], ANNOTATION: text}
    return {**obj, "metadata": {**metadata, "annotations": annotations}}


def _annotation(obj: Object) -> str:
    text: str = (obj.get("metadata", {}).get("annotations") or {}).get(ANNOTATION, "")
    return text


def _without_annotation(config: Object) -> Object:
    metadata = config.get("metadata", {})
    kept = {
        name: value for name, value in metadata.get("annotations", {}).items() if name != ANNOTATION
    }
    return {**config, "metadata": {**metadata, **({"annotations": kept} if kept else {})}}
