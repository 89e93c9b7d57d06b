"""A live copy of some objects of one kind: list, then watch, list again when the thread is lost.

The copy may lag behind; whoever acts on it must be safe against that (create if absent, guarded
writes, a fresh list before letting go of the last hold). It never goes back in time: like
client-go's, it starts from whatever a server's cache has, and asks for nothing older ever after.
"""

import asyncio
import logging
from collections.abc import Callable

from adapters.kubernetes.client import Object
from adapters.kubernetes.errors import KubernetesRefusal
from adapters.kubernetes.kinds import Kind
from adapters.kubernetes.objects import ANY_VERSION, KubernetesObjects
from engine.errors import Unreachable

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0

Key = tuple[str, str]


class Reflector:
    """``on_held`` is told every object that came or changed, ``on_gone`` every one that went."""

    def __init__(
        self,
        objects: KubernetesObjects,
        kind: Kind,
        *,
        labels: str,
        on_held: Callable[[Object], None],
        on_gone: Callable[[Object], None],
    ) -> None:
        self.kind = kind
        self._objects = objects
        self._labels = labels
        self._on_held = on_held
        self._on_gone = on_gone
        self._held: dict[Key, Object] = {}
        self._seen = ANY_VERSION
        self._listed = asyncio.Event()
        self._pause = FIRST_PAUSE_SECONDS

    async def listed(self) -> None:
        """Waits until the copy was complete once."""
        await self._listed.wait()

    async def run(self) -> None:
        """Never returns. The pause between failures doubles to a limit.

        Only a watch that works resets it: a server may list well, and refuse every watch.
        """
        while True:
            try:
                await self._list()
                await self._follow()
            except (KubernetesRefusal, Unreachable) as error:
                pause = self._pause
                log.warning("%s: %s; listing again in %.1f s", self.kind.plural, error, pause)
                await asyncio.sleep(pause)
                self._pause = min(LONGEST_PAUSE_SECONDS, pause * 2)

    async def _list(self) -> None:
        items, self._seen = await self._fetch()
        fresh = {_key(item): item for item in items}
        gone = [item for key, item in self._held.items() if key not in fresh]
        changed = [item for key, item in fresh.items() if not _same(self._held.get(key), item)]
        self._held = fresh
        self._listed.set()
        for item in gone:
            self._on_gone(item)
        for item in changed:
            self._on_held(item)

    async def _fetch(self) -> tuple[list[Object], str]:
        """The most recent list where the server has forgotten what was seen, or lags behind it."""
        try:
            return await self._objects.list_all(
                self.kind, labels=self._labels, not_older_than=self._seen
            )
        except KubernetesRefusal as error:
            if not (error.expired or error.too_far_ahead):
                raise
            return await self._objects.list_all(self.kind, labels=self._labels)

    async def _follow(self) -> None:
        while True:
            events = self._objects.watch(self.kind, labels=self._labels, since=self._seen)
            async for event in events:
                self._pause = FIRST_PAUSE_SECONDS
                item: Object = event["object"]
                self._seen = item["metadata"]["resourceVersion"]
                if event["type"] != "BOOKMARK":
                    self._take(event["type"], item)
            # A server that ends watches at once must not be asked again at once.
            await asyncio.sleep(FIRST_PAUSE_SECONDS)

    def _take(self, change: str, item: Object) -> None:
        if change == "DELETED":
            self._held.pop(_key(item), None)
            self._on_gone(item)
        else:
            self._held[_key(item)] = item
            self._on_held(item)


def _key(item: Object) -> Key:
    metadata = item["metadata"]
    return metadata.get("namespace", ""), metadata["name"]


def _same(held: Object | None, item: Object) -> bool:
    return (
        held is not None
        and held["metadata"]["resourceVersion"] == item["metadata"]["resourceVersion"]
    )
