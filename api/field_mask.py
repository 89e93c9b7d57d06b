"""Update masks: which fields of a workspace a request changes (AIP-134, AIP-161)."""

from collections.abc import Iterable, Iterator, Sequence

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from api.v1 import workspace_pb2 as pb
from engine.errors import Violation

MUTABLE = ("labels", "annotations", "resource", "inference", "tuning")
ALL = "*"


def violations(paths: Iterable[str]) -> tuple[Violation, ...]:
    """One for every path that cannot be updated."""
    return tuple(
        Violation(field="update_mask", description=f"{path!r} {wrong}")
        for path in paths
        if (wrong := _wrong(path))
    )


def _wrong(path: str) -> str:
    if path == ALL:
        return ""
    parts = path.split(".")
    descriptor: Descriptor | None = pb.Workspace.DESCRIPTOR
    for part in parts:
        if descriptor is None:
            return "lies inside a field that is replaced as a whole"
        field = descriptor.fields_by_name.get(part)
        if field is None:
            return "is not a field of a workspace"
        descriptor = field.message_type if _is_nested(field) else None
    return "" if parts[0] in MUTABLE else "cannot be updated"


def _is_nested(field: FieldDescriptor) -> bool:
    """A message of ours: neither a list or a map, nor a Struct or a Timestamp."""
    message = field.message_type
    return message is not None and not field.is_repeated and message.file.package == "moorage.v1"


def effective(paths: Sequence[str], source: Message) -> tuple[str, ...]:
    """The paths that a mask stands for: ``*`` is all, and none is every field that is set."""
    if ALL in paths:
        return MUTABLE
    return tuple(paths) or tuple(path for path in _set(source) if path.split(".")[0] in MUTABLE)


def _set(message: Message) -> Iterator[str]:
    for field, value in message.ListFields():
        if _is_nested(field):
            yield from (f"{field.name}.{path}" for path in _set(value))
        else:
            yield field.name


def overlay(target: Message, source: Message, paths: Iterable[str]) -> None:
    """Makes each path in ``target`` what it is in ``source``, unset included."""
    for path in paths:
        _overlay(target, source, path.split("."))


def _overlay(target: Message, source: Message, parts: Sequence[str]) -> None:
    name, *rest = parts
    if rest and (source.HasField(name) or target.HasField(name)):
        _overlay(getattr(target, name), getattr(source, name), rest)
    elif not rest:
        target.ClearField(name)
        _copy_set_field(target, source, name)


def _copy_set_field(target: Message, source: Message, name: str) -> None:
    for field, value in source.ListFields():
        if field.name != name:
            continue
        if field.is_repeated or field.message_type is not None:
            getattr(target, name).MergeFrom(value)
        else:
            setattr(target, name, value)
