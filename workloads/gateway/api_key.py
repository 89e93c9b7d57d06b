"""The API key, in a file that a Kubernetes Secret puts there."""

import hmac
import logging
from pathlib import Path

logger = logging.getLogger(__name__)


class ApiKeyFile:
    """Holds one key a line, any of which opens: a new key beside the old one lets clients change.

    Read anew when it has changed, since a mounted Secret is rotated in place. While it cannot be
    read or holds no key, what it held before counts.
    """

    def __init__(self, path: Path) -> None:
        """Raises OSError, and ValueError for a file without a key."""
        self._path = path
        self._version = _version(path)
        self._keys = _keys(path)

    def opens_to(self, authorization: str) -> bool:
        """Whether a header's value is ``Bearer`` and one of the keys."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return False
        given = token.strip().encode()
        self._reread()
        # Each key is compared, in constant time: neither the time nor the order tells of any.
        return sum(hmac.compare_digest(given, key) for key in self._keys) > 0

    def _reread(self) -> None:
        try:
            if (version := _version(self._path)) != self._version:
                self._keys, self._version = _keys(self._path), version
        except (OSError, ValueError) as error:
            logger.warning("the API key stays as it was: %s", error)


def _version(path: Path) -> tuple[int, int]:
    """Changes with the content. The inode tells of a symbolic link that was turned elsewhere."""
    state = path.stat()
    return state.st_mtime_ns, state.st_ino


def _keys(path: Path) -> tuple[bytes, ...]:
    keys = tuple(line.strip() for line in path.read_bytes().splitlines() if line.strip())
    if not keys:
        raise ValueError(f"{path} holds no API key")
    return keys
