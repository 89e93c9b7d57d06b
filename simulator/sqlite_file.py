"""A simulated server's memory on disk: one SQLite file.

Journal mode WAL with ``synchronous=NORMAL``: a committed transaction has reached the operating
system, so it outlives a killed process; only a power cut may lose the last ones
(https://www.sqlite.org/wal.html#performance_considerations).
"""

import sqlite3
from pathlib import Path


def open_file(path: Path, schema: str) -> sqlite3.Connection:
    """Opens or makes the file; transactions are begun and ended by hand."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.executescript(schema)
    return connection
