"""Tokens that clients hand back unread: page tokens and watch cursors.

A token is bound to the request it belongs to by a digest. The digest has no key: it finds mistakes,
it keeps no secret, and so a token is good on every replica and after a restart.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence

_DIGEST_BYTES = 9  # one mistake in 2**72 passes; a multiple of 3 leaves base64 without padding


def seal(payload: str, *, bound_to: Sequence[str]) -> str:
    text = payload.encode()
    return base64.urlsafe_b64encode(_digest(payload, bound_to) + text).decode().rstrip("=")


def unseal(token: str, *, bound_to: Sequence[str]) -> str | None:
    """The payload, or None where the token was damaged or belongs to another request."""
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        payload = sealed[_DIGEST_BYTES:].decode()
    except (binascii.Error, ValueError):
        return None
    return payload if sealed[:_DIGEST_BYTES] == _digest(payload, bound_to) else None


def _digest(payload: str, bound_to: Sequence[str]) -> bytes:
    return hashlib.sha256(json.dumps([payload, *bound_to]).encode()).digest()[:_DIGEST_BYTES]
