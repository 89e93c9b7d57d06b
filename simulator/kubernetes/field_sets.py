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
Parts = dict[str, tuple[Any, Shape]]
"""By path element."""
NOTHING: Fields = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    added: Fields
    modified: Fields
    removed: Fields


def encode(fields: Fields) -> Object:
    """The value of ``fieldsV1``."""
    tree: Object = {}
    for path in sorted(fields):  # a container comes right before what lies in it
        node = tree
        for depth, element in enumerate(path):
            child = node.get(element)
            if child is None:
                if not node and path[:depth] in fields:
                    node["."] = {}
                child = node[element] = {}
            node = child
    return tree


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
    parts = parts_of(value, shape) if isinstance(value, dict | list) else None
    if not parts:
        if path:
            yield path
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
    if isinstance(value, dict | list):
        for element, (item, child) in (parts_of(value, shape) or {}).items():
            yield from everything_in(item, child, (*path, element))


def parts_of(value: Any, shape: Shape) -> Parts | None:
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
    found = _Differences()
    found.between(live, new, shape, ())
    return Comparison(
        added=frozenset(found.added),
        modified=frozenset(found.modified),
        removed=frozenset(found.removed),
    )


class _Differences:
    """Gathered while two values are walked side by side; what is equal is not entered."""

    def __init__(self) -> None:
        self.added: set[Path] = set()
        self.modified: set[Path] = set()
        self.removed: set[Path] = set()

    def between(self, old: Any, value: Any, shape: Shape, path: Path) -> None:
        if isinstance(old, dict) and isinstance(value, dict) and not shape.is_atomic:
            self._between_fields(old, value, shape, path)
            return
        before, after = parts_of(old, shape), parts_of(value, shape)
        if before is None or after is None or type(old) is not type(value):
            self.modified.add(path)
            self.removed.update(p for p in everything_in(old, shape, path) if p != path)
            self.added.update(p for p in everything_in(value, shape, path) if p != path)
        else:
            self._between_items(before, after, path)

    def _between_fields(self, old: Object, value: Object, shape: Shape, path: Path) -> None:
        for name, item in value.items():
            if name not in old:
                self.added.update(everything_in(item, shape.child(name), (*path, f"f:{name}")))
            elif old[name] != item:
                self.between(old[name], item, shape.child(name), (*path, f"f:{name}"))
        for name in old.keys() - value.keys():
            self.removed.update(everything_in(old[name], shape.child(name), (*path, f"f:{name}")))

    def _between_items(self, before: Parts, after: Parts, path: Path) -> None:
        for element, (item, shape) in after.items():
            if element not in before:
                self.added.update(everything_in(item, shape, (*path, element)))
            elif before[element][0] != item:
                self.between(before[element][0], item, shape, (*path, element))
        for element in before.keys() - after.keys():
            self.removed.update(everything_in(*before[element], (*path, element)))


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
