"""The agent pools of a run, told to its history as if they were objects of the cluster."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from simulator.author import Author
from simulator.history import Commit, History
from simulator.kubernetes.objects import ChangeType
from simulator.kubernetes.status import Object
from simulator.wire.sent import AGENT_POOL

OWNER_TAG = "moorage-node-claim-uid"
_RECORD = "Pool"


class RecordedLedger:
    """Implements ``simulator.azure.database.Ledger``: keeps nothing, and tells of each pool."""

    def __init__(
        self,
        history: History,
        author: Author,
        *,
        now: Callable[[], float],
        revision: Callable[[], int],
    ) -> None:
        self._history = history
        self._author = author
        self._now = now
        self._revision = revision
        self._pools: dict[str, Object] = {}

    def records(self, kind: str) -> Iterator[tuple[str, bytes]]:  # noqa: ARG002
        return iter(())

    def save(self, kind: str, key: str, body: bytes) -> None:
        if kind == _RECORD:
            before = self._pools.get(key)
            pool = self._pools[key] = _object(key, json.loads(body))
            change = ChangeType.ADDED if before is None else ChangeType.MODIFIED
            self._tell(change, pool, before)

    def remove(self, kind: str, key: str) -> None:
        if kind == _RECORD and (pool := self._pools.pop(key, None)) is not None:
            self._tell(ChangeType.DELETED, pool, pool)

    def _tell(self, change: ChangeType, pool: Object, before: Object | None) -> None:
        self._history.add(
            Commit(
                at=self._now(),
                revision=self._revision(),
                type=change,
                actor=self._author.name,
                now=pool,
                before=before,
            )
        )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        yield

    def close(self) -> None: ...


def _object(name: str, record: dict[str, Any]) -> Object:
    """``owner`` is the uid of the claim that the pool is for, "" where it is nobody's of ours."""
    properties = record["properties"]
    return {
        "kind": AGENT_POOL,
        "metadata": {"name": name, "uid": f"{name}/{record['operation']}"},
        "owner": (properties.get("tags") or {}).get(OWNER_TAG, ""),
        "state": record["state"],
        "properties": properties,
    }
