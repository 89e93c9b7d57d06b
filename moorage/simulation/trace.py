"""The trace of a run: every record in order, as one digest."""

import hashlib

from simulator.history import Call, Commit, Record
from simulator.kubernetes.json_values import encode


class Trace:
    """Two runs took the same course exactly when their digests are equal."""

    def __init__(self) -> None:
        self._digest = hashlib.blake2b(digest_size=16)

    def add(self, record: Record) -> None:
        if isinstance(record, Commit):
            head = f"{record.at!r} {record.revision} {record.type} {record.actor} "
            self._digest.update(head.encode())
            self._digest.update(encode(record.now))
        elif isinstance(record, Call):
            line = (
                f"{record.at!r} {record.until!r} {record.actor} {record.verb} {record.target} "
                f"{record.status} {record.carried_out} {record.revision}"
            )
            self._digest.update(line.encode())
            self._digest.update(encode(record.body))
        else:
            self._digest.update(repr(record).encode())

    def hexdigest(self) -> str:
        return self._digest.hexdigest()
