"""Who owns which field, and server-side apply.

Ownership is kept in ``metadata.managedFields``. The rules are those the Kubernetes docs give under
"Server-Side Apply", and sigs.k8s.io/structured-merge-diff where they are silent. Results share
parts with the inputs; no input is changed.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from simulator.kubernetes import client_side_apply, managed_fields
from simulator.kubernetes.field_sets import (
    Fields,
    compare,
    everything_in,
    fields_of,
    item_elements,
    text,
    with_parents,
    without,
)
from simulator.kubernetes.json_values import copied, drop_nulls
from simulator.kubernetes.managed_fields import UNOWNED, Operation, Owner, Owners
from simulator.kubernetes.merge_shapes import Shape
from simulator.kubernetes.status import ApiError, Cause, Object

Conflicts = Mapping[Owner, Fields]


def track(
    live: Object | None,
    new: Object,
    *,
    manager: str,
    shape: Shape,
    now: datetime,
    subresource: str = "",
) -> Object:
    """``new``, with what it changes against ``live`` now owned by ``manager``.

    For creates, updates and patches. Owners that ``new`` carries stand in for those of ``live``,
    as kubectl rewrites them when it moves to server-side apply.
    """
    before = live or {"metadata": {}}
    owners = managed_fields.read(new) or managed_fields.read(before)
    changes = compare(before, new, shape)
    gained = (changes.added | changes.modified) - UNOWNED
    if gained or changes.removed:
        owner = Owner(
            manager=manager,
            operation=Operation.UPDATE,
            api_version=new.get("apiVersion", ""),
            subresource=subresource,
        )
        owners = managed_fields.take(owners, gained | changes.removed, spare=owner)
        owned = owners[owner].fields if owner in owners else frozenset()
        owners = managed_fields.give(owners, owner, (owned | gained) - changes.removed, now)
    return managed_fields.with_owners(new, owners)


def server_side_apply(
    live: Object | None,
    applied: Object,
    *,
    manager: str,
    force: bool,
    shape: Shape,
    now: datetime,
    subresource: str = "",
) -> Object:
    """What becomes of ``live`` when ``manager`` applies ``applied``.

    ``applied`` holds only what the endpoint lets its callers write. Raises ``ApiError``: 409 with
    a cause for each field that another manager owns with another value, unless ``force``; 400 where
    a list item lacks its key or ownership is stated by the caller.
    """
    if applied.get("metadata", {}).get("managedFields"):
        raise ApiError(400, "BadRequest", "metadata.managedFields must be nil")
    config = copied(applied)
    drop_nulls(config)
    owner = Owner(
        manager=manager,
        operation=Operation.APPLY,
        api_version=applied.get("apiVersion", ""),
        subresource=subresource,
    )
    owners = _owners_of(live, shape, now)
    merged = _merged(live or {}, config, shape, "")
    changes = compare(live or {}, merged, shape)
    conflicts = _conflicts(owners, owner, changes.added | changes.modified)
    if conflicts and not force:
        conflicts = client_side_apply.unsettled(conflicts, owner, live or {}, shape)
        if conflicts:
            raise _conflict_error(conflicts)
    owners = managed_fields.take(owners, changes.modified | changes.added, spare=owner)
    return _settle(merged, config, owners, owner, shape=shape, now=now)


def _settle(
    merged: Object, config: Object, owners: Owners, owner: Owner, *, shape: Shape, now: datetime
) -> Object:
    """Lets go of what the owner applied before and no longer does, unless others own it too."""
    before = owners[owner].fields if owner in owners else frozenset()
    stated = fields_of(config, shape) - UNOWNED
    owners = managed_fields.give(owners, owner, stated, now)
    result = merged
    if not before <= stated:
        kept = with_parents(managed_fields.owned_by(owners.values()))
        result = without(merged, with_parents(before) - kept - UNOWNED, shape)
        owners = managed_fields.take(owners, compare(merged, result, shape).removed)
    result = client_side_apply.with_annotation_in_step(result, config, owner)
    return managed_fields.with_owners(result, owners)


def _owners_of(live: Object | None, shape: Shape, now: datetime) -> Owners:
    """Fields of an object that was never tracked belong to a manager that stands for its past."""
    owners = managed_fields.read(live or {})
    if live is None or owners:
        return owners
    past = Owner(
        manager="before-first-apply",
        operation=Operation.UPDATE,
        api_version=live.get("apiVersion", ""),
    )
    return managed_fields.give({}, past, frozenset(everything_in(live, shape)) - UNOWNED, now)


def _conflicts(owners: Owners, owner: Owner, changed: Fields) -> Conflicts:
    disputed = {other: owned.fields & changed for other, owned in owners.items() if other != owner}
    return {other: fields for other, fields in disputed.items() if fields}


def _conflict_error(conflicts: Conflicts) -> ApiError:
    causes = [
        Cause(reason="FieldManagerConflict", message=f"conflict with {other}", field=text(path))
        for other, fields in sorted(conflicts.items(), key=lambda item: str(item[0]))
        for path in sorted(fields)
    ]
    if len(causes) == 1:
        told = f"1 conflict: {causes[0].message}: {causes[0].field}"
    else:
        told = f"{len(causes)} conflicts: " + "\n".join(
            f"conflicts with {other}:\n" + "\n".join(f"- {text(path)}" for path in sorted(fields))
            for other, fields in sorted(conflicts.items(), key=lambda item: str(item[0]))
        )
    return ApiError(409, "Conflict", f"Apply failed with {told}", causes=causes)


def _merged(live: Any, applied: Any, shape: Shape, path: str) -> Any:
    if shape.is_atomic:
        return applied
    if isinstance(applied, dict):
        base = live if isinstance(live, dict) else {}
        merged = {
            name: _merged(base.get(name), item, shape.child(name), f"{path}.{name}")
            for name, item in applied.items()
        }
        return {**base, **merged}
    if isinstance(applied, list) and (shape.is_set or shape.keys):
        return _merged_list(live if isinstance(live, list) else [], applied, shape, path)
    return applied


def _merged_list(live: list[Any], applied: list[Any], shape: Shape, path: str) -> list[Any]:
    """The applied items in their order, each live item in front of what it stood in front of."""
    wanted = item_elements(applied, shape)
    if wanted is None:
        raise ApiError(400, "BadRequest", _ambiguous(applied, shape, path))
    present = item_elements(live, shape) or []
    known = dict(zip(present, live, strict=False))
    result: list[Any] = []
    remaining = iter(present)
    for element, item in zip(wanted, applied, strict=True):
        if element in known:
            for passed in remaining:
                if passed == element:
                    break
                if passed not in wanted:
                    result.append(known[passed])
        result.append(_merged(known.get(element), item, shape.item, path))
    done = set(wanted)
    taken = [element for element in remaining if element not in done]
    return result + [known[element] for element in taken]


def _ambiguous(applied: list[Any], shape: Shape, path: str) -> str:
    why = (
        "has two items of the same value"
        if shape.is_set
        else f"has items without a unique {' and '.join(shape.keys)}"
    )
    return f"failed to create typed patch object: {path or '.'}: the list {why}: {applied}"
