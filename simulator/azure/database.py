"""The simulated Azure's memory on disk: one SQLite file, one transaction per request or step.

What was committed outlives a killed process.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from simulator.sqlite_file import open_file

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
"""


class Ledger(Protocol):
    def records(self, kind: str) -> Iterator[tuple[str, bytes]]: ...

    def save(self, kind: str, key: str, body: bytes) -> None: ...

    def remove(self, kind: str, key: str) -> None: ...

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written within is on disk afterwards, or none of it."""
        ...

    def close(self) -> None: ...


class NoLedger:
    """For simulations whose Azure ends with them: nothing is kept."""

    def records(self, kind: str) -> Iterator[tuple[str, bytes]]:  # noqa: ARG002
        return iter(())

    def save(self, kind: str, key: str, body: bytes) -> None: ...

    def remove(self, kind: str, key: str) -> None: ...

    @contextmanager
    def transaction(self) -> Iterator[None]:
        yield

    def close(self) -> None: ...


class SqliteLedger:
    def __init__(self, path: Path) -> None:
        """Opens or makes the file."""
        self._connection = open_file(path, _SCHEMA)

    def records(self, kind: str) -> Iterator[tuple[str, bytes]]:
        select = "SELECT key, body FROM records WHERE kind = ? ORDER BY key"
        yield from self._connection.execute(select, (kind,))

    def save(self, kind: str, key: str, body: bytes) -> None:
        insert = "INSERT OR REPLACE INTO records VALUES (?, ?, ?)"
        self._connection.execute(insert, (kind, key, body))

    def remove(self, kind: str, key: str) -> None:
        delete = "DELETE FROM records WHERE kind = ? AND key = ?"
        self._connection.execute(delete, (kind, key))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commits whatever happens: memory has the changes already, and disk must not differ."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()
