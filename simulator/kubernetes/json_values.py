"""JSON as the API server holds it: encoded once, copied before it is changed."""

from typing import Any

import orjson

from simulator.kubernetes.status import Object


def encode(value: Any) -> bytes:
    """Raises TypeError for integers beyond 64 bits, which Go could not hold either."""
    return orjson.dumps(value)


def decode(text: bytes) -> Any:
    """Raises ``orjson.JSONDecodeError``, a ValueError, where ``text`` is not JSON."""
    return orjson.loads(text)


def copied(value: Object) -> Object:
    """A deep copy: through text, which is several times cheaper than walking the value."""
    copy: Object = decode(encode(value))
    return copy


def copied_value(value: Any) -> Any:
    """As ``copied``, of any JSON value."""
    return decode(encode(value)) if isinstance(value, dict | list) else value


def drop_nulls(value: Any) -> None:
    """Removes null fields in place, at every depth: to a typed decoder they are not there."""
    if b"null" in encode(value):
        _drop_nulls(value)


def _drop_nulls(value: Any) -> None:
    if isinstance(value, dict):
        for key in [key for key, item in value.items() if item is None]:
            del value[key]
        for item in value.values():
            _drop_nulls(item)
    elif isinstance(value, list):
        for item in value:
            _drop_nulls(item)
