"""The trace of a run: every record in order, as one digest."""

import hashlib

import orjson

from simulator.history import Commit, Record


class Trace:
    """Two runs took the same course exactly when their digests are equal.

    Keys are sorted: a protobuf map has no order of its own.
    """

    def __init__(self) -> None:
        self._digest = hashlib.blake2b(digest_size=16)

    def add(self, record: Record) -> None:
        told: object = record
        if isinstance(record, Commit):  # what was before has been told before
            told = (record.at, record.revision, record.type, record.actor, record.now)
        self._digest.update(type(record).__name__.encode())
        self._digest.update(orjson.dumps(told, option=orjson.OPT_SORT_KEYS))

    def hexdigest(self) -> str:
        return self._digest.hexdigest()
