"""Protobuf bodies as kubectl sends them, decoded into the objects their JSON would give."""

from simulator.kubernetes.status import ApiError, Object


def decode(body: bytes) -> Object:
    """Raises ``ApiError`` 415 for a kind without a field table, 400 for a malformed body."""
    raise ApiError(415, "UnsupportedMediaType", "no protobuf yet")
