"""Checks of ``metadata`` that every kind shares (apimachinery's ValidateObjectMeta)."""

from collections.abc import Mapping
from typing import Any

from simulator.kubernetes import field_errors
from simulator.kubernetes.names import label_key_problems, label_value_problems, name_problems
from simulator.kubernetes.resources import Resource
from simulator.kubernetes.status import Cause, Object

ANNOTATIONS_LIMIT = 256 * 1024
"""Bytes of all annotation keys and values of one object."""


def problems_of_new(resource: Resource, metadata: Object) -> list[Cause]:
    name = metadata.get("name")
    if not name:
        return [
            field_errors.required("metadata.name", "name or generateName is required"),
            *_problems(metadata),
        ]
    causes = [
        field_errors.invalid("metadata.name", name, problem)
        for problem in name_problems(str(name), resource.name_rule)
    ]
    return causes + _problems(metadata)


def problems_of_update(metadata: Object, live: Object) -> list[Cause]:
    causes = _problems(metadata)
    added = set(metadata.get("finalizers") or ()) - set(live.get("finalizers") or ())
    if added and "deletionTimestamp" in live:
        causes.append(
            field_errors.forbidden(
                "metadata.finalizers",
                "no new finalizers can be added if the object is being deleted, found new "
                f"finalizers {sorted(added)!r}",
            )
        )
    return causes


def _problems(metadata: Object) -> list[Cause]:
    return [
        *_label_problems(metadata.get("labels")),
        *_annotation_problems(metadata.get("annotations")),
        *_owner_problems(metadata.get("ownerReferences")),
        *_finalizer_problems(metadata.get("finalizers")),
    ]


def _label_problems(labels: Any) -> list[Cause]:
    if not labels:
        return []
    if not isinstance(labels, Mapping):
        return [field_errors.wrong_type("metadata.labels", "object", type(labels).__name__)]
    causes = []
    for key, value in labels.items():
        causes += [
            field_errors.invalid("metadata.labels", key, problem)
            for problem in label_key_problems(key)
        ]
        causes += [
            field_errors.invalid("metadata.labels", value, problem)
            for problem in label_value_problems(value)
        ]
    return causes


def _annotation_problems(annotations: Any) -> list[Cause]:
    if not annotations:
        return []
    if not isinstance(annotations, Mapping):
        kind = type(annotations).__name__
        return [field_errors.wrong_type("metadata.annotations", "object", kind)]
    causes = []
    for key, value in annotations.items():
        causes += [
            field_errors.invalid("metadata.annotations", key, problem)
            for problem in label_key_problems(key.lower())
        ]
        if not isinstance(value, str):
            kind = type(value).__name__
            causes.append(field_errors.wrong_type(f"metadata.annotations.{key}", "string", kind))
    size = sum(len(key) + len(str(value)) for key, value in annotations.items())
    if size > ANNOTATIONS_LIMIT:
        causes.append(field_errors.too_long("metadata.annotations", ANNOTATIONS_LIMIT))
    return causes


def _owner_problems(owners: Any) -> list[Cause]:
    causes = []
    for index, owner in enumerate(owners or ()):
        at = f"metadata.ownerReferences[{index}]"
        causes += [
            field_errors.required(f"{at}.{key}")
            for key in ("apiVersion", "kind", "name", "uid")
            if not owner.get(key)
        ]
    controllers = [owner for owner in owners or () if owner.get("controller")]
    if len(controllers) > 1:
        causes.append(
            field_errors.invalid_whole(
                "metadata.ownerReferences",
                "Only one reference can have Controller set to true. Found "
                + " and ".join(f'"true" in references for {each["name"]}' for each in controllers),
            )
        )
    return causes


def _finalizer_problems(finalizers: Any) -> list[Cause]:
    return [
        field_errors.invalid("metadata.finalizers", finalizer, problem)
        for finalizer in finalizers or ()
        for problem in label_key_problems(finalizer)
    ]
