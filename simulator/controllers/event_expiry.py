"""Forgets events after a while (a real API server's --event-ttl, one hour)."""

from collections.abc import Iterable

from simulator.clock import Clock
from simulator.controllers.conditions import seconds_left
from simulator.controllers.controller import Key, key_of
from simulator.kubernetes.objects import Change, ChangeType, Objects
from simulator.timings import Timings


class EventExpiry:
    name = "event-expiry"
    watches = ("Event",)

    def __init__(self, objects: Objects, clock: Clock, timings: Timings) -> None:
        self._objects = objects
        self._clock = clock
        self._timings = timings

    def affected(self, change: Change) -> Iterable[Key]:
        return [] if change.type is ChangeType.DELETED else [key_of(change.object)]

    def reconcile(self, key: Key) -> float | None:
        event = self._objects.find("Event", key.name, key.namespace)
        if event is None:
            return None
        since = event.get("lastTimestamp") or event["metadata"]["creationTimestamp"]
        left = seconds_left(since, self._timings.event_retention, self._clock.now())
        if left > 0:
            return left
        self._objects.delete("Event", key.name, key.namespace)
        return None
