"""Runs the controllers: one queue, one worker, in a deterministic order.

Changes are turned into keys at once and worked off later, so a controller never runs inside
another's write. One worker is enough, since ``reconcile`` neither waits nor blocks.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from simulator.controllers.controller import Controller, Key
from simulator.controllers.work_queue import WorkQueue
from simulator.kubernetes.objects import Change, ChangeType, Objects
from simulator.kubernetes.status import ApiError

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 0.01
LAST_RETRY_SECONDS = 30.0


class Work(NamedTuple):
    """``controller`` is the place in the control plane's list."""

    controller: int
    key: Key


def retry_delay(failures: int) -> float:
    """Seconds before the next try: doubling from 10 ms up to 30 s."""
    return float(min(FIRST_RETRY_SECONDS * 2 ** min(failures - 1, 32), LAST_RETRY_SECONDS))


class ControlPlane:
    def __init__(self, objects: Objects, controllers: Sequence[Controller]) -> None:
        self._objects = objects
        self._controllers = tuple(controllers)
        self._watching: dict[str, list[tuple[int, Controller]]] = {}
        for number, controller in enumerate(controllers):
            for kind in controller.watches:
                self._watching.setdefault(kind, []).append((number, controller))
        self._queue: WorkQueue[Work] = WorkQueue()
        self._failures: Counter[Work] = Counter()

    async def run(self) -> None:
        """Works until cancelled. May be run again: it starts from the objects as they are."""
        unsubscribe = self._objects.subscribe(self._enqueue)
        try:
            self._enqueue_present()
            while True:
                self._work_on(await self._queue.take())
                await asyncio.sleep(0)  # lets clients and kubelets in between
        finally:
            unsubscribe()
            self._queue.close()
            self._failures.clear()

    def _enqueue_present(self) -> None:
        for kind in self._watching:
            for obj in self._present(kind):
                self._enqueue(Change(ChangeType.ADDED, obj))

    def _present(self, kind: str) -> list[dict[str, object]]:
        """None where the kind is not known yet: its definition may come later."""
        try:
            return self._objects.list(kind)
        except ApiError as error:
            if error.reason != "NotFound":
                raise
            return []

    def _enqueue(self, change: Change) -> None:
        for number, controller in self._watching.get(change.object["kind"], ()):
            for key in controller.affected(change):
                self._queue.add(Work(number, key))

    def _work_on(self, work: Work) -> None:
        controller = self._controllers[work.controller]
        try:
            again_in = controller.reconcile(work.key)
        except Exception as error:  # noqa: BLE001 - one bad object must not stop the cluster
            again_in = self._after_failure(work, error)
        else:
            del self._failures[work]
        if again_in is not None:
            self._queue.add_after(work, again_in)

    def _after_failure(self, work: Work, error: Exception) -> float:
        self._failures[work] += 1
        delay = retry_delay(self._failures[work])
        conflict = isinstance(error, ApiError) and error.reason == "Conflict"
        log.log(
            logging.DEBUG if conflict else logging.ERROR,
            "controller %s could not reconcile %s, trying again in %.2f s: %s",
            self._controllers[work.controller].name,
            work.key,
            delay,
            error,
            exc_info=None if isinstance(error, ApiError) else error,
        )
        return delay
