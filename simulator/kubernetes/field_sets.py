"""Sets of fields, as managedFields records them (FieldsV1).

A path is a tuple of FieldsV1 path elements: ``f:name`` for a field, ``k:{"name":"x"}`` for an item
of a list of type map, ``v:"x"`` for an item of a set. A container belongs to a set only when its
own path does; FieldsV1 then gives it the entry ``.``.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from simulator.kubernetes.merge_shapes import Shape
from simulator.kubernetes.status import Object

Path = tuple[str, ...]
Fields = frozenset[Path]
NOTHING: Fields = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    added: Fields
    modified: Fields
    removed: Fields


def encode(fields: Fields) -> Object:
    """The value of ``fieldsV1``."""
    tree: Object = {}
    for path in sorted(fields):
        node = tree
        for element in path:
            node = node.setdefault(element, {})
        node["."] = {}
    return _without_lone_dots(tree)


def _without_lone_dots(tree: Object) -> Object:
    return {
        element: _without_lone_dots({} if child.keys() == {"."} else child)
        for element, child in tree.items()
    }


def decode(fields_v1: Object) -> Fields:
    return frozenset(_decoded(fields_v1, ()))


def _decoded(tree: Object, path: Path) -> Iterator[Path]:
    for element, child in tree.items():
        if element == ".":
            yield path
        elif child:
            yield from _decoded(child, (*path, element))
        else:
            yield (*path, element)


def fields_of(value: Object, shape: Shape) -> Fields:
    """The fields that a configuration states: its leaves, and the items of its lists and maps."""
    return frozenset(_stated(value, shape, ()))


def _stated(value: Any, shape: Shape, path: Path) -> Iterator[Path]:
    parts = parts_of(value, shape)
    if not parts:
        yield from [path] if path else []
        return
    for element, (item, child) in parts.items():
        item_path = (*path, element)
        if not element.startswith("f:") or _is_map_key(element, shape):
            yield item_path
        yield from _stated(item, child, item_path)


def _is_map_key(element: str, shape: Shape) -> bool:
    return shape.items is not None and element.removeprefix("f:") not in shape.fields


def everything_in(value: Any, shape: Shape, path: Path = ()) -> Iterator[Path]:
    """The fields of a value, and all containers on the way."""
    if path:
        yield path
    for element, (item, child) in (parts_of(value, shape) or {}).items():
        yield from everything_in(item, child, (*path, element))


def parts_of(value: Any, shape: Shape) -> dict[str, tuple[Any, Shape]] | None:
    """What a value merges by, part by part; None where it is replaced whole."""
    if shape.is_atomic:
        return None
    if isinstance(value, dict):
        return {f"f:{name}": (item, shape.child(name)) for name, item in value.items()}
    if isinstance(value, list) and (shape.is_set or shape.keys):
        elements = item_elements(value, shape)
        if elements is not None:
            return {
                element: (item, shape.item) for element, item in zip(elements, value, strict=True)
            }
    return None


def item_elements(items: Sequence[Any], shape: Shape) -> list[str] | None:
    """The path element of each item; None where some item has none, or two have the same."""
    elements = [_element(item, shape) for item in items]
    unambiguous = len(set(elements)) == len(elements) and None not in elements
    return [element for element in elements if element] if unambiguous else None


def _element(item: Any, shape: Shape) -> str | None:
    if shape.is_set:
        return f"v:{_json(item)}"
    if not isinstance(item, dict):
        return None
    values = [item.get(name, default) for name, default in shape.keys.items()]
    if any(value is None or isinstance(value, dict | list) for value in values):
        return None
    return _key_element(tuple(shape.keys), *values)


@lru_cache(maxsize=4096, typed=True)
def _key_element(names: tuple[str, ...], *values: str | float) -> str:
    return f"k:{_json(dict(zip(names, values, strict=True)))}"


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def compare(live: Object, new: Object, shape: Shape) -> Comparison:
    added: set[Path] = set()
    modified: set[Path] = set()
    removed: set[Path] = set()

    def descend(old: Any, value: Any, shape: Shape, path: Path) -> None:
        if old == value:
            return
        before, after = parts_of(old, shape), parts_of(value, shape)
        if before is None or after is None or type(old) is not type(value):
            modified.add(path)
            removed.update(p for p in everything_in(old, shape, path) if p != path)
            added.update(p for p in everything_in(value, shape, path) if p != path)
            return
        for element, (item, child) in after.items():
            if element in before:
                descend(before[element][0], item, child, (*path, element))
            else:
                added.update(everything_in(item, child, (*path, element)))
        for element in before.keys() - after.keys():
            removed.update(everything_in(*before[element], (*path, element)))

    descend(live, new, shape, ())
    return Comparison(
        added=frozenset(added), modified=frozenset(modified), removed=frozenset(removed)
    )


def with_parents(fields: Iterable[Path]) -> Fields:
    """The fields, and every named field that one of them lies in."""
    return frozenset(
        path[:length]
        for path in fields
        for length in range(1, len(path) + 1)
        if length == len(path) or path[length - 1].startswith("f:")
    )


def without(value: Any, fields: Fields, shape: Shape, path: Path = ()) -> Any:
    """A value that lacks the fields, and shares the rest."""
    parts = parts_of(value, shape) if fields else None
    if parts is None:
        return value
    kept = [
        without(item, fields, child, (*path, element))
        for element, (item, child) in parts.items()
        if (*path, element) not in fields
    ]
    if isinstance(value, list):
        return kept
    names = [name for name in value if (*path, f"f:{name}") not in fields]
    return dict(zip(names, kept, strict=True))


def text(path: Path) -> str:
    """As conflicts name a field: ``.spec.containers[name="web"].image``."""
    return "".join(map(_element_text, path))


def _element_text(element: str) -> str:
    kind, _, rest = element.partition(":")
    if kind == "f":
        return f".{rest}"
    if kind == "k":
        pairs = ",".join(f"{name}={_json(value)}" for name, value in json.loads(rest).items())
        return f"[{pairs}]"
    return f"[={rest}]"
