"""Watch streams: each commit is matched and encoded once, and its bytes shared by all watchers.

A watcher holds a bounded queue. One that reads too slowly is cut off: its stream ends, and the
client lists anew or resumes from the last version it saw, as with a real API server.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass

from simulator.kubernetes.json_values import encode
from simulator.kubernetes.objects import ChangeType
from simulator.kubernetes.presentation import Presentation
from simulator.kubernetes.resources import Resource
from simulator.kubernetes.selectors import Predicate
from simulator.kubernetes.status import ApiError, Object
from simulator.kubernetes.store import Commit, Store, Stored
from simulator.kubernetes.watch_cache import WatchCache

QUEUE_LENGTH = 10_000
"""Events a watcher may lag behind."""
BOOKMARK_SECONDS = 60.0
DEFAULT_TIMEOUT_SECONDS = 1800.0
INITIAL_EVENTS_END = "k8s.io/initial-events-end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """What a watcher wants to see. ``namespace`` None means all of them."""

    resource: Resource
    namespace: str | None
    matches: Predicate
    presentation: Presentation
    bookmarks: bool
    timeout_seconds: float
    cache: WatchCache


def event(kind: str, encoded_object: bytes) -> bytes:
    return b'{"type":"%b","object":%b}\n' % (kind.encode(), encoded_object)


def error_event(error: ApiError) -> bytes:
    return event("ERROR", encode(error.as_status()))


def seen_change(commit: Commit, matches: Predicate) -> tuple[ChangeType, Stored] | None:
    """The commit as a watcher with this selector sees it: objects may enter and leave its view."""
    was_seen = commit.before is not None and matches(commit.before.object)
    if commit.type is ChangeType.DELETED:
        return (ChangeType.DELETED, commit.now) if was_seen else None
    if matches(commit.now.object):
        return (ChangeType.MODIFIED if was_seen else ChangeType.ADDED), commit.now
    return (ChangeType.DELETED, _as_it_left(commit)) if was_seen else None


def _as_it_left(commit: Commit) -> Stored:
    """What left a selector's view is shown as it was, at the version at which it left."""
    before = commit.before or commit.now
    version = {"resourceVersion": str(commit.resource_version)}
    shown = {**before.object, "metadata": {**before.object["metadata"], **version}}
    return Stored(shown, encode(shown))


class Watcher:
    """One stream of events; it exists from the request on, so that no change falls between."""

    def __init__(self, interest: Interest, leave: Callable[["Watcher"], None]) -> None:
        self.interest = interest
        self._leave = leave
        self._queue: deque[bytes] = deque()
        self._something_new = asyncio.Event()
        self._is_first = True
        self._is_closed = False
        self._last_version = 0

    def offer(self, commit: Commit, shared: dict[object, bytes]) -> None:
        """Queues the commit where it concerns this watcher. ``shared`` keeps what is encoded."""
        interest = self.interest
        if commit.resource_version <= self._last_version:
            return
        self._last_version = commit.resource_version
        if interest.namespace is not None and commit.key.namespace != interest.namespace:
            return
        change = seen_change(commit, interest.matches)
        if change is not None:
            self._queue_line(self._encoded(*change, shared))

    def _encoded(self, kind: ChangeType, stored: Stored, shared: dict[object, bytes]) -> bytes:
        presentation, resource = self.interest.presentation, self.interest.resource
        if not presentation.shares_events:
            line = event(kind, presentation.event(resource, stored, is_first=self._is_first))
            self._is_first = False
            return line
        known = shared.get((kind, resource.api_version))
        if known is None:
            known = event(kind, presentation.event(resource, stored, is_first=False))
            shared[kind, resource.api_version] = known
        return known

    def _queue_line(self, line: bytes) -> None:
        if len(self._queue) >= QUEUE_LENGTH:
            self.close()
            return
        self._queue.append(line)
        self._something_new.set()

    def start(
        self, version: int, initial: Iterable[Stored] = (), *, mark_end: bool = False
    ) -> None:
        """Queues what there was at ``version``; ``mark_end`` adds the bookmark that says so."""
        self._last_version = version
        for stored in initial:
            self._queue.append(self._encoded(ChangeType.ADDED, stored, {}))
        if mark_end:
            self._queue.append(self._bookmark({INITIAL_EVENTS_END: "true"}))
        self._something_new.set()

    def catch_up(self, store: Store) -> None:
        """Queues what its cache knows and the client was not told yet, or the ERROR event 410."""
        known = self.interest.cache.version
        until = store.resource_version if known is None else known
        try:
            commits = list(store.changes_after(self._last_version))
        except ApiError as expired:
            self.fail(expired)
            return
        for commit in commits:
            is_known = commit.resource_version <= until
            if is_known and commit.key.collection == self.interest.resource.collection:
                self.offer(commit, {})
        self._last_version = max(self._last_version, until)

    def fail(self, error: ApiError) -> None:
        """Ends the stream with an ERROR event."""
        self._queue.append(error_event(error))
        self.close()

    def close(self) -> None:
        self._leave(self)
        self._queue.append(b"")
        self._something_new.set()

    def _bookmark(self, annotations: Object) -> bytes:
        metadata: Object = {"resourceVersion": str(self._last_version), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        shown = self.interest.presentation.bookmark(self.interest.resource, metadata)
        return event("BOOKMARK", shown)

    async def stream(self) -> AsyncIterator[bytes]:
        """Events, several at a time when they are there, until the watch's time is over."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self.interest.timeout_seconds
        try:
            while True:
                while self._queue:
                    yield self._taken()
                    if self._is_closed:
                        return
                now = loop.time()
                if now >= ends_at:
                    break
                bookmark_at = now + BOOKMARK_SECONDS
                if not await self._wait(min(ends_at, bookmark_at)) and bookmark_at < ends_at:
                    self._queue_bookmark()
            if self.interest.bookmarks:
                yield self._bookmark({})
        finally:
            self._leave(self)

    def _taken(self) -> bytes:
        lines = []
        while self._queue:
            line = self._queue.popleft()
            if not line:
                self._is_closed = True
                break
            lines.append(line)
        return b"".join(lines)

    async def _wait(self, until: float) -> bool:
        """Whether something came before ``until`` (loop time)."""
        try:
            async with asyncio.timeout_at(until):
                await self._something_new.wait()
        except TimeoutError:
            return False
        self._something_new.clear()
        return True

    def _queue_bookmark(self) -> None:
        if self.interest.bookmarks:
            self._queue.append(self._bookmark({}))


class WatchHub:
    """Hands each commit to the watchers of its collection."""

    def __init__(self, store: Store) -> None:
        self._watchers: dict[str, dict[Watcher, Callable[[], None]]] = {}
        self._store = store
        store.subscribe(self._on_commit)

    def join(self, interest: Interest) -> Watcher:
        watcher = Watcher(interest, self._leave)
        stop_following = interest.cache.subscribe(lambda: watcher.catch_up(self._store))
        self._watchers.setdefault(interest.resource.collection, {})[watcher] = stop_following
        return watcher

    def _leave(self, watcher: Watcher) -> None:
        watchers = self._watchers.get(watcher.interest.resource.collection, {})
        stop_following = watchers.pop(watcher, None)
        if stop_following is not None:
            stop_following()

    def _on_commit(self, commit: Commit) -> None:
        shared: dict[object, bytes] = {}
        for watcher in tuple(self._watchers.get(commit.key.collection, ())):
            if watcher.interest.cache.version is None:
                watcher.offer(commit, shared)

    def close_all(self, collection: str | None = None) -> None:
        """Ends the streams of a collection, or all of them."""
        for name, watchers in self._watchers.items():
            if collection in {None, name}:
                for watcher in tuple(watchers):
                    watcher.close()
