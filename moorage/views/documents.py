"""Values as JSON and YAML, for programs."""

import json
from typing import Any

import yaml
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from moorage.options import ListFormat, TextFormat


def document(value: Any, form: ListFormat | TextFormat) -> str:
    """Without a newline at the end."""
    if form.value == "json":
        return json.dumps(value, indent=2, ensure_ascii=False)
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100).rstrip("\n")


def fields(message: Message) -> dict[str, Any]:
    """A message in protobuf's JSON mapping: every field, in the order of their definition."""
    found = MessageToDict(message, always_print_fields_with_no_presence=True)
    names = (field.json_name for field in message.DESCRIPTOR.fields)
    return {name: found[name] for name in names if name in found}
