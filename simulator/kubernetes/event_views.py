"""Events have two faces, core/v1 and events.k8s.io/v1, over the same stored objects.

Field by field as Kubernetes converts them (pkg/apis/events/v1/conversion.go's mapping).
"""

from simulator.kubernetes.status import Object

_CORE_TO_EVENTS = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
_EVENTS_TO_CORE = {new: old for old, new in _CORE_TO_EVENTS.items()}


def to_events_v1(core: Object) -> Object:
    renamed = {_CORE_TO_EVENTS.get(key, key): value for key, value in core.items()}
    return {**renamed, "apiVersion": "events.k8s.io/v1"}


def to_core_v1(event: Object) -> Object:
    renamed = {_EVENTS_TO_CORE.get(key, key): value for key, value in event.items()}
    renamed.setdefault("involvedObject", {})
    return {**renamed, "apiVersion": "v1"}
