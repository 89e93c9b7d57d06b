"""What protobuf can say and the engine's values cannot: unknown enum values, NaN and infinity."""

import math
from collections.abc import Iterator, Sequence

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct, Value

from engine.errors import Violation


def unconvertible(message: Message, path: str) -> Iterator[Violation]:
    match message:
        case Struct():
            for key, value in message.fields.items():
                yield from unconvertible(value, f"{path}.{key}")
        case Value():
            yield from _value(message, path)
        case _:
            yield from _fields(message, path)


def _value(value: Value, path: str) -> Iterator[Violation]:
    match value.WhichOneof("kind"):
        case "struct_value":
            yield from unconvertible(value.struct_value, path)
        case "list_value":
            for index, item in enumerate(value.list_value.values):
                yield from unconvertible(item, f"{path}[{index}]")
        case "number_value" if not math.isfinite(value.number_value):
            yield Violation(field=path, description=f"{value.number_value} is not a JSON number")


def _fields(message: Message, path: str) -> Iterator[Violation]:
    for field, value in message.ListFields():
        here = f"{path}.{field.name}"
        if field.enum_type is not None:
            yield from _enum(field.enum_type, value, here)
        elif field.message_type is None or field.message_type.GetOptions().map_entry:
            continue  # scalars, and maps: ours hold text only
        elif field.is_repeated:
            for index, item in enumerate(value):
                yield from unconvertible(item, f"{here}[{index}]")
        else:
            yield from unconvertible(value, here)


def _enum(kind: EnumDescriptor, given: int | Sequence[int], path: str) -> Iterator[Violation]:
    """A list's items must say something; a single field that says nothing is left out."""
    if isinstance(given, int):
        if given not in kind.values_by_number:
            yield Violation(field=path, description=f"{given} is not a known value")
        return
    for index, item in enumerate(given):
        if item not in kind.values_by_number or item == 0:
            yield Violation(field=f"{path}[{index}]", description=f"{item} is not a known value")
