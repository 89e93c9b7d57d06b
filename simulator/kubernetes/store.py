"""Every object of the cluster, the one counter of its changes, and a window of the latest ones.

Objects are immutable once stored: a change stores a new one. Readers therefore share them, and
each carries its JSON, encoded once for disk, answers and watchers alike.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from simulator.kubernetes import errors
from simulator.kubernetes.database import Database, Key, NoDatabase
from simulator.kubernetes.json_values import decode, encode
from simulator.kubernetes.objects import Change, ChangeType
from simulator.kubernetes.status import Object

LOG_LENGTH = 20_000
"""Changes kept for watchers and for later pages of a list; older ones answer 410 Expired."""


@dataclass(frozen=True, slots=True)
class Stored:
    object: Object
    encoded: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One change of one object; of a deleted one, ``now`` is its last state."""

    resource_version: int
    type: ChangeType
    key: Key
    now: Stored
    before: Stored | None


class Store:
    def __init__(self, database: Database | NoDatabase, *, log_length: int = LOG_LENGTH) -> None:
        self._database = database
        self._collections: dict[str, dict[str, dict[str, Stored]]] = {}
        self._log: deque[Commit] = deque(maxlen=log_length)
        self._subscribers: list[Callable[[Commit], None]] = []
        self._unannounced: deque[Commit] = deque()
        self._announcing = False
        self.resource_version = database.resource_version()
        self._log_starts_after = self.resource_version
        for key, body in database.objects():
            self._names(key)[key.name] = Stored(decode(body), body)

    def _names(self, key: Key) -> dict[str, Stored]:
        return self._collections.setdefault(key.collection, {}).setdefault(key.namespace, {})

    def get(self, key: Key) -> Stored | None:
        return self._collections.get(key.collection, {}).get(key.namespace, {}).get(key.name)

    def scan(self, collection: str, namespace: str | None = None) -> list[tuple[Key, Stored]]:
        """In order of namespace and name; every namespace where none is given."""
        return [
            (Key(collection, space, name), names[name])
            for space, names in self._spaces(collection, namespace)
            for name in sorted(names)
        ]

    def objects(self, collection: str, namespace: str | None = None) -> Iterator[Object]:
        """As ``scan``, without keys: what most readers in this process want."""
        for _, names in self._spaces(collection, namespace):
            for name in sorted(names):
                yield names[name].object

    def _spaces(
        self, collection: str, namespace: str | None
    ) -> Iterator[tuple[str, dict[str, Stored]]]:
        spaces = self._collections.get(collection, {})
        for space in sorted(spaces) if namespace is None else [namespace]:
            if space in spaces:
                yield space, spaces[space]

    def everything(self) -> list[tuple[Key, Stored]]:
        return [item for collection in sorted(self._collections) for item in self.scan(collection)]

    def list_as_of(
        self, collection: str, namespace: str | None, resource_version: int
    ) -> list[tuple[Key, Stored]]:
        """The list as it was at ``resource_version``; raises ApiError 410 when that is too old."""
        past = dict(self.scan(collection, namespace))
        for commit in self._newest_first(resource_version):
            if commit.key.collection != collection:
                continue
            if namespace is not None and commit.key.namespace != namespace:
                continue
            if commit.before is None:
                past.pop(commit.key, None)
            else:
                past[commit.key] = commit.before
        return sorted(past.items(), key=lambda item: item[0])

    def changes_after(self, resource_version: int) -> Iterator[Commit]:
        """Oldest first; raises ApiError 410 when some of them are no longer known."""
        newest_first = list(self._newest_first(resource_version))
        return reversed(newest_first)

    def _newest_first(self, resource_version: int) -> Iterator[Commit]:
        if resource_version < self._log_starts_after:
            raise errors.expired(resource_version, self._log_starts_after)
        for commit in reversed(self._log):
            if commit.resource_version <= resource_version:
                return
            yield commit

    def compact(self) -> None:
        """Forgets all changes up to now, as etcd does every few minutes."""
        self._log.clear()
        self._log_starts_after = self.resource_version

    def put(self, key: Key, obj: Object) -> Object:
        """Stores ``obj`` under the next resource version; answers it as stored."""
        before = self.get(key)
        version = self.resource_version + 1
        now = self._stamped(obj, version)
        self._database.save(key, now.encoded, version)
        self._names(key)[key.name] = now
        kind = ChangeType.ADDED if before is None else ChangeType.MODIFIED
        self._record(Commit(resource_version=version, type=kind, key=key, now=now, before=before))
        return now.object

    def remove(self, key: Key, last: Object) -> Object:
        """Removes the object; ``last`` is its state as watchers of the deletion see it."""
        before = self.get(key)
        version = self.resource_version + 1
        now = self._stamped(last, version)
        self._database.remove(key, version)
        del self._names(key)[key.name]
        self._record(
            Commit(
                resource_version=version, type=ChangeType.DELETED, key=key, now=now, before=before
            )
        )
        return now.object

    @staticmethod
    def _stamped(obj: Object, version: int) -> Stored:
        stamped = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(version)}}
        return Stored(stamped, encode(stamped))

    def _record(self, commit: Commit) -> None:
        self.resource_version = commit.resource_version
        if len(self._log) == self._log.maxlen:
            self._log_starts_after = self._log[0].resource_version
        self._log.append(commit)
        self._unannounced.append(commit)
        self._announce()

    def _announce(self) -> None:
        """Tells subscribers, each change to all of them before the next.

        A subscriber may write: what it commits waits here for its turn.
        """
        if self._announcing:
            return
        self._announcing = True
        try:
            while self._unannounced:
                commit = self._unannounced.popleft()
                for subscriber in tuple(self._subscribers):
                    subscriber(commit)
        finally:
            self._announcing = False

    def subscribe(self, on_commit: Callable[[Commit], None]) -> Callable[[], None]:
        """Calls ``on_commit`` after each commit, in order; the answer ends the subscription."""
        self._subscribers.append(on_commit)
        return lambda: self._subscribers.remove(on_commit)

    def close(self) -> None:
        self._database.close()


def as_change(commit: Commit) -> Change:
    return Change(commit.type, commit.now.object)
