"""Events: what a controller tells people about an object, repeated ones counted, not piled up."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from simulator.clock import Clock, rfc3339
from simulator.kubernetes.objects import Objects
from simulator.kubernetes.status import ApiError, Object


class EventType(StrEnum):
    NORMAL = "Normal"
    WARNING = "Warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecorder:
    """Records Events (core/v1) under the name of one component."""

    objects: Objects
    clock: Clock
    component: str
    host: str = ""

    def normal(self, obj: Object, reason: str, message: str) -> None:
        self._record(obj, EventType.NORMAL, reason, message)

    def warning(self, obj: Object, reason: str, message: str) -> None:
        self._record(obj, EventType.WARNING, reason, message)

    def _record(self, obj: Object, type_: EventType, reason: str, message: str) -> None:
        """An object that has gone, or whose namespace has, gets no event."""
        event = self._event(obj, type_, reason, message)
        metadata = event["metadata"]
        before = self.objects.find("Event", metadata["name"], metadata["namespace"])
        try:
            if before is None:
                self.objects.create(event)
            else:
                self.objects.update(self._repeated(before))
        except ApiError as error:
            if error.code not in (403, 404, 409):
                raise

    def _repeated(self, event: Object) -> Object:
        now = rfc3339(self.clock.now())
        return {**event, "count": event.get("count", 1) + 1, "lastTimestamp": now}

    def _event(self, obj: Object, type_: EventType, reason: str, message: str) -> Object:
        metadata = obj["metadata"]
        now = rfc3339(self.clock.now())
        facts = "\0".join((metadata.get("uid", ""), self.component, type_, reason, message))
        digest = hashlib.sha256(facts.encode()).hexdigest()[:16]
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{metadata['name']}.{digest}",
                "namespace": metadata.get("namespace", "default"),
            },
            "involvedObject": _reference(obj),
            "type": str(type_),
            "reason": reason,
            "message": message,
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "source": {"component": self.component} | ({"host": self.host} if self.host else {}),
            "reportingComponent": self.component,
            "reportingInstance": self.host,
        }


def _reference(obj: Object) -> Object:
    metadata = obj["metadata"]
    named = {field: metadata[field] for field in ("namespace", "name", "uid") if field in metadata}
    return {"apiVersion": obj["apiVersion"], "kind": obj["kind"], **named}
