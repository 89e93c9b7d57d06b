"""The API server's memory on disk: one SQLite file, one transaction per write.

What was committed outlives a killed process.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from simulator.sqlite_file import open_file

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    collection TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (collection, namespace, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counter (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    resource_version INTEGER NOT NULL
);
INSERT OR IGNORE INTO counter VALUES (0, 0);
"""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Where an object is kept; ``namespace`` is "" for kinds without one."""

    collection: str
    namespace: str
    name: str


class NoDatabase:
    """For API servers whose objects end with them: nothing is kept."""

    def resource_version(self) -> int:
        return 0

    def objects(self) -> Iterator[tuple[Key, bytes]]:
        return iter(())

    def save(self, key: Key, body: bytes, resource_version: int) -> None: ...

    def remove(self, key: Key, resource_version: int) -> None: ...

    def close(self) -> None: ...


class Database:
    def __init__(self, path: Path) -> None:
        """Opens or makes the file."""
        self._connection = open_file(path, _SCHEMA)

    def resource_version(self) -> int:
        (counter,) = self._connection.execute("SELECT resource_version FROM counter").fetchone()
        return int(counter)

    def objects(self) -> Iterator[tuple[Key, bytes]]:
        rows = self._connection.execute("SELECT collection, namespace, name, body FROM objects")
        for collection, namespace, name, body in rows:
            yield Key(collection, namespace, name), body

    def save(self, key: Key, body: bytes, resource_version: int) -> None:
        self._commit(
            resource_version,
            "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)",
            (key.collection, key.namespace, key.name, body),
        )

    def remove(self, key: Key, resource_version: int) -> None:
        self._commit(
            resource_version,
            "DELETE FROM objects WHERE collection = ? AND namespace = ? AND name = ?",
            (key.collection, key.namespace, key.name),
        )

    def _commit(
        self, resource_version: int, statement: str, values: tuple[str | bytes, ...]
    ) -> None:
        execute = self._connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            execute(statement, values)
            execute("UPDATE counter SET resource_version = ?", (resource_version,))
        except sqlite3.Error:
            execute("ROLLBACK")
            raise
        execute("COMMIT")

    def close(self) -> None:
        self._connection.close()
