"""The shape of a manifest: which fields there are, and what kind of value each takes.

Whether the values make sense is for the server to say, in one place for all clients. But it gets a
manifest in fields of its own, so a misspelt one must be found before it is lost.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from engine.errors import Violation

Schema = Mapping[str, Any]

_KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "object": (lambda value: isinstance(value, dict), "a mapping"),
    "array": (lambda value: isinstance(value, list), "a list"),
    "string": (lambda value: isinstance(value, str), "a string"),
    "integer": (lambda value: type(value) is int, "a whole number"),
}


def misfits(schema: Schema, value: Any, path: str = "") -> Iterator[Violation]:
    """What an OpenAPI schema's structure has against a value; null stands for nothing given."""
    if value is None:
        return
    fits, wanted = _KINDS[schema["type"]]
    if not fits(value):
        hint = ": put it in quotes" if schema["type"] == "string" else ""
        yield Violation(field=path, description=f"{value!r} is not {wanted}{hint}")
    elif isinstance(value, dict):
        yield from _fields(schema, value, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from misfits(schema["items"], item, f"{path}[{index}]")


def _fields(schema: Schema, value: dict[Any, Any], path: str) -> Iterator[Violation]:
    properties, others = schema.get("properties", {}), schema.get("additionalProperties")
    for name, item in value.items():
        here = f"{path}.{name}" if path else str(name)
        known = properties.get(name, others)
        if known is not None:
            yield from misfits(known, item, here)
        elif properties and not schema.get("x-kubernetes-preserve-unknown-fields"):
            yield Violation(field=here, description="is not a known field")
