"""The memory from which an API server answers watches, and lists that need not be the most recent.

Reads that ask for the most recent state go past it (kubernetes.io/docs/reference/using-api/
api-concepts/#semantics-for-get-and-list). Where several API servers share an etcd each has its own,
and one that lags shows its clients a past that others have left behind.
"""

from collections.abc import Callable


class WatchCache:
    """``version`` is the resource version it has got to; None while it is level with the store."""

    def __init__(self) -> None:
        self.version: int | None = None
        self._readers: dict[Callable[[], None], None] = {}

    def fall_behind(self, version: int) -> None:
        """It knows nothing later than ``version`` until it is told otherwise."""
        self.version = version
        self._tell()

    def catch_up(self) -> None:
        """It is level with the store again; watches hear what they have missed."""
        self.version = None
        self._tell()

    def subscribe(self, on_move: Callable[[], None]) -> Callable[[], None]:
        """Calls ``on_move`` after each move; the answer ends the subscription."""
        self._readers[on_move] = None
        return lambda: self._readers.pop(on_move, None)

    def _tell(self) -> None:
        for on_move in tuple(self._readers):
            on_move()
