"""The cluster's objects as the simulator's own controllers see them: in process, synchronous.

The API server implements this port with the same registry, admission and optimistic concurrency
that its HTTP clients meet. Objects handed out are snapshots shared with every other reader: never
change one in place, ``copy.deepcopy`` it first.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from simulator.kubernetes.status import Object


class ChangeType(StrEnum):
    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


class Propagation(StrEnum):
    BACKGROUND = "Background"
    FOREGROUND = "Foreground"
    ORPHAN = "Orphan"


@dataclass(frozen=True, slots=True)
class Change:
    type: ChangeType
    object: Object


class Objects(Protocol):
    """``kind`` is a Kind name such as "StatefulSet"; ``namespace`` is "" where the kind has none.

    Every call raises ``ApiError`` as the HTTP API would answer: NotFound, AlreadyExists,
    Conflict (a stale ``metadata.resourceVersion``), Invalid.
    """

    def get(self, kind: str, name: str, namespace: str = "") -> Object: ...

    def find(self, kind: str, name: str, namespace: str = "") -> Object | None:
        """As ``get``, but None where there is no such object."""
        ...

    def list(
        self, kind: str, namespace: str | None = None, labels: Mapping[str, str] | None = None
    ) -> list[Object]:
        """In order of namespace and name; every namespace where none is given."""
        ...

    def create(self, obj: Object) -> Object: ...

    def update(self, obj: Object) -> Object:
        """Replaces all but status; checks the resource version where the object carries one."""
        ...

    def update_status(self, obj: Object) -> Object: ...

    def delete(
        self,
        kind: str,
        name: str,
        namespace: str = "",
        *,
        uid: str | None = None,
        grace_period_seconds: int | None = None,
        propagation: Propagation = Propagation.BACKGROUND,
    ) -> None: ...

    def subscribe(self, on_change: Callable[[Change], None]) -> Callable[[], None]:
        """Calls ``on_change`` after each commit, in order; the answer ends the subscription."""
        ...
