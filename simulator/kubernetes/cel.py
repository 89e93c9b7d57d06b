"""CEL rules of custom resources (``x-kubernetes-validations``)."""

from simulator.kubernetes.status import Cause, Object


def violations(schema: Object, value: Object, old: Object | None = None) -> list[Cause]:
    return []
