"""Strategic merge patch: a merge patch that knows which lists of built-in kinds are maps or sets.

Directives are those of the Kubernetes docs ("Update API Objects in Place Using kubectl patch") and
of sig-api-machinery/strategic-merge-patch.md: ``$patch``, ``$retainKeys``,
``$deleteFromPrimitiveList/<list>``, ``$setElementOrder/<list>``.
"""

from typing import Any

from simulator.kubernetes.json_values import copied
from simulator.kubernetes.merge_shapes import Shape, shape_of_kind
from simulator.kubernetes.status import ApiError, Object

_DELETE_FROM = "$deleteFromPrimitiveList/"
_ORDER = "$setElementOrder/"


def strategic_merge(doc: Object, patch: Object, kind: str) -> Object:
    """A new object; neither argument is changed or shared.

    Raises ``ApiError`` 400 for an unknown directive or a list item without its merge key.
    """
    return _merge_map(copied(doc), copied(patch), shape_of_kind(kind))


def _merge_map(target: Object, patch: Object, shape: Shape) -> Object:
    match patch.pop("$patch", "merge"):
        case "replace":
            return patch
        case "delete":
            return {}
        case "merge":
            pass
        case unknown:
            raise ApiError(400, "BadRequest", f"unknown $patch directive {unknown!r}")
    _retain(target, patch)
    orders = _take(patch, _ORDER)
    removals = _take(patch, _DELETE_FROM)
    for name, unwanted in removals.items():
        target[name] = [item for item in target.get(name, []) if item not in unwanted]
    for name, value in patch.items():
        _merge_field(target, name, value, shape.child(name))
    for name, order in orders.items():
        if isinstance(target.get(name), list):
            target[name] = _in_order(target[name], order, shape.child(name).patch_key)
    return target


def _retain(target: Object, patch: Object) -> None:
    retained = patch.pop("$retainKeys", None)
    if retained is not None:
        for name in [name for name in target if name not in retained]:
            del target[name]


def _take(patch: Object, prefix: str) -> Object:
    found = {name: patch[name] for name in patch if name.startswith(prefix)}
    for name in found:
        del patch[name]
    return {name.removeprefix(prefix): value for name, value in found.items()}


def _merge_field(target: Object, name: str, value: Any, shape: Shape) -> None:
    if value is None or _directive(value) == "delete":
        target.pop(name, None)
    elif isinstance(value, dict):
        present = target.get(name)
        target[name] = _merge_map(present if isinstance(present, dict) else {}, value, shape)
    elif isinstance(value, list):
        target[name] = _merge_list(target.get(name) or [], value, shape)
    else:
        target[name] = value


def _merge_list(target: list[Any], patch: list[Any], shape: Shape) -> list[Any]:
    if shape.is_set:
        return target + [item for item in patch if item not in target]
    if not shape.patch_key:
        return [_without_directives(item) for item in patch]
    if any(_directive(item) == "replace" for item in patch):
        return [item for item in patch if _directive(item) != "replace"]
    merged = list(target)
    for item in patch:
        _merge_item(merged, item, shape)
    return merged


def _merge_item(merged: list[Any], item: Any, shape: Shape) -> None:
    key = shape.patch_key
    if not isinstance(item, dict) or key not in item:
        raise ApiError(400, "BadRequest", f"map: {item} does not contain declared merge key: {key}")
    places = [place for place, old in enumerate(merged) if old.get(key) == item[key]]
    if _directive(item) == "delete":
        for place in reversed(places):
            del merged[place]
    elif places:
        merged[places[0]] = _merge_map(merged[places[0]], item, shape.item)
    else:
        merged.append(_merge_map({}, item, shape.item))


def _directive(item: Any) -> Any:
    return item.get("$patch") if isinstance(item, dict) else None


def _without_directives(item: Any) -> Any:
    return _merge_map({}, item, Shape()) if isinstance(item, dict) else item


def _in_order(items: list[Any], order: list[Any], key: str) -> list[Any]:
    """Items the order names come in that order; each other one stays behind its predecessor."""
    wanted = [entry.get(key) if key and isinstance(entry, dict) else entry for entry in order]

    def identity(item: Any) -> Any:
        return item.get(key) if key and isinstance(item, dict) else item

    named = sorted(
        (item for item in items if identity(item) in wanted),
        key=lambda item: wanted.index(identity(item)),
    )
    queue = iter(named)
    return [next(queue) if identity(item) in wanted else item for item in items]
