"""Does on a thread of its own what must wait for Triton, so that the engine need not wait for it.

Of sixteen rows, handing over their tokens and asking whether they are still wanted took a tenth of
each step, most of it spent waiting for Triton's other process (measured).
"""

import logging
import queue
import threading
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.05


class Courier:
    """Errands are run in their order; looks are taken again and again until they say False."""

    def __init__(self, look_seconds: float = LOOK_SECONDS) -> None:
        self._look_seconds = look_seconds
        self._errands: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._looks: list[Callable[[], bool]] = []
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Returns when all errands are run."""
        self._errands.put(None)
        self._thread.join()

    def post(self, errand: Callable[[], object]) -> None:
        self._errands.put(errand)

    def watch(self, look: Callable[[], bool]) -> None:
        self._errands.put(lambda: self._looks.append(look))

    def _run(self) -> None:
        looked = time.monotonic()
        while True:
            try:
                errand = self._errands.get(timeout=self._look_seconds if self._looks else None)
            except queue.Empty:
                pass
            else:
                if errand is None:
                    return
                _try(errand)
            if self._looks and time.monotonic() >= looked + self._look_seconds:
                self._looks = [look for look in self._looks if _try(look)]
                looked = time.monotonic()


def _try(act: Callable[[], object]) -> object:
    """One request's trouble must not end the service for all others."""
    try:
        return act()
    except Exception:
        logger.exception("a response could not be handed over")
        return False
