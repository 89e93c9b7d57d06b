"""What a controller is: it names the objects a change concerns, and brings one of them up to date.

``reconcile`` is level-triggered. It reads the present state, never the change that woke it, so
that missed, merged and repeated calls do no harm.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from simulator.kubernetes.objects import Change
from simulator.kubernetes.status import Object


class Key(NamedTuple):
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


class Controller(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def watches(self) -> tuple[str, ...]:
        """The kinds whose changes concern it."""
        ...

    def affected(self, change: Change) -> Iterable[Key]:
        """The objects to reconcile after ``change``, whose kind is one of ``watches``."""
        ...

    def reconcile(self, key: Key) -> float | None:
        """Brings one object up to date; answers in how many seconds to call again, if ever.

        Raises ApiError: the control plane calls again later.
        """
        ...


def key_of(obj: Object) -> Key:
    metadata = obj["metadata"]
    return Key(metadata.get("namespace", ""), metadata["name"])


def owner_keys(obj: Object, owner_kind: str) -> Iterator[Key]:
    """The controlling owner of ``obj``, where it is of that kind."""
    metadata = obj["metadata"]
    for owner in metadata.get("ownerReferences", ()):
        if owner.get("controller") and owner["kind"] == owner_kind:
            yield Key(metadata.get("namespace", ""), owner["name"])


def node_keys(obj: Object) -> Iterator[Key]:
    """The Node that ``obj`` is, or the one that the pod is bound to."""
    if obj["kind"] == "Node":
        yield key_of(obj)
    elif node_name := obj["spec"].get("nodeName"):
        yield Key("", node_name)
