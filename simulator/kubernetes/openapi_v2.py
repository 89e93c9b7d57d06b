"""The least of OpenAPI v2 that kubectl needs: that a List may be validated by the server.

Before ``apply -f`` of a ``kind: List``, kubectl asks the v2 document whether PATCH of a Namespace,
which stands for the List, takes ``fieldValidation``; it has no v3 way for that. The document comes
as a protobuf of ``gnostic.openapi.v2`` (github.com/google/gnostic-models, OpenAPIv2.proto), whose
field numbers these are. Everything else is in OpenAPI v3.
"""

MEDIA_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"

_LENGTH_DELIMITED = 2
_SEVEN_BITS = 0x7F


def document() -> bytes:
    """An ``openapi.v2.Document`` with the one operation that is asked for."""
    query = _text(2, "query") + _text(4, "fieldValidation")
    parameter = _message(1, _message(2, _message(3, query)))  # a parameter, not in the body
    kind = _text(1, "x-kubernetes-group-version-kind") + _message(
        2, _text(2, 'group: ""\nkind: Namespace\nversion: v1\n')
    )
    patch = _message(8, parameter) + _message(13, kind)
    path = _text(1, "/api/v1/namespaces/{name}") + _message(2, _message(8, patch))
    info = _text(1, "Kubernetes") + _text(2, "v1")
    return _text(1, "2.0") + _message(2, info) + _message(8, _message(2, path))


def _text(number: int, value: str) -> bytes:
    return _message(number, value.encode())


def _message(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > _SEVEN_BITS:
        encoded.append(value & _SEVEN_BITS | _SEVEN_BITS + 1)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
