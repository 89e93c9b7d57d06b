"""Which parts of its variables a CEL expression can read, as far as its text tells.

Too much is named rather than too little: what is read through an index, an optional field or an
escaped name counts as read whole from there on, and text within literals counts as code.
"""

import re
from functools import lru_cache
from typing import Any

from simulator.kubernetes.json_values import encode
from simulator.kubernetes.status import Object

Read = tuple[str, tuple[str, ...]]
"""A variable, and the fields that lead from it to what is read."""


@lru_cache(maxsize=4096)
def reads(expression: str, variables: tuple[str, ...]) -> tuple[Read, ...]:
    found: dict[Read, None] = {}
    for variable in variables:
        pattern = rf"(?<![\w.]){variable}\b((?:\.[A-Za-z_]\w*)*)(\s*\()?"
        for path, call in re.findall(pattern, expression):
            names = path.split(".")[1:]
            found[variable, _plain(names[:-1] if call else names)] = None
    return tuple(found)


def _plain(names: list[str]) -> tuple[str, ...]:
    """Up to the first name that is escaped."""
    escaped = (index for index, name in enumerate(names) if "__" in name)
    return tuple(names[: next(escaped, len(names))])


def inputs(expression: str, variables: Object) -> bytes:
    """All that the outcome can depend on: two equal ones have the same outcome."""
    return encode(
        [_value_at(variables[name], path) for name, path in reads(expression, tuple(variables))]
    )


def _value_at(value: Any, path: tuple[str, ...]) -> list[Any]:
    """How many of the fields are there, and what the last of them holds."""
    for depth, name in enumerate(path):
        if not isinstance(value, dict) or name not in value:
            return [depth]
        value = value[name]
    return [len(path), value]
