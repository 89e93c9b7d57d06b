"""Startup, readiness and liveness: when to probe, and what a row of outcomes means."""

from dataclasses import dataclass, replace
from enum import Enum

from simulator.kubernetes.status import Object


class Verdict(Enum):
    UNDECIDED = "undecided"
    SUCCESS = "success"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A container's probe with Kubernetes' defaults filled in; durations in seconds."""

    handler: Object
    initial_delay: float
    period: float
    timeout: float
    failure_threshold: int
    success_threshold: int


def probe_of(container: Object, field: str) -> Probe | None:
    """``field``: startupProbe, readinessProbe or livenessProbe."""
    spec = container.get(field)
    if not spec:
        return None
    return Probe(
        handler=resolved_handler(spec, container),
        initial_delay=spec.get("initialDelaySeconds") or 0,
        period=spec.get("periodSeconds") or 10,
        timeout=spec.get("timeoutSeconds") or 1,
        failure_threshold=spec.get("failureThreshold") or 3,
        success_threshold=spec.get("successThreshold") or 1,
    )


def resolved_handler(spec: Object, container: Object) -> Object:
    """The action of a probe or lifecycle hook, with the names of ports replaced by numbers."""
    for kind in ("exec", "httpGet", "tcpSocket", "grpc", "sleep"):
        if kind in spec:
            action = dict(spec[kind])
            if "port" in action:
                action["port"] = port_number(container, action["port"])
            return {kind: action}
    return {}


def port_number(container: Object, port: int | str) -> int:
    """Raises ValueError where a name is none of the container's ports."""
    for declared in container.get("ports") or ():
        if declared.get("name") == port:
            return int(declared["containerPort"])
    return int(port)


@dataclass(frozen=True, slots=True)
class Tally:
    """Consecutive outcomes of one kind."""

    successes: int = 0
    failures: int = 0

    def after(self, *, succeeded: bool) -> "Tally":
        if succeeded:
            return replace(self, successes=self.successes + 1, failures=0)
        return replace(self, successes=0, failures=self.failures + 1)

    def verdict(self, probe: Probe) -> Verdict:
        if self.successes >= probe.success_threshold:
            return Verdict.SUCCESS
        if self.failures >= probe.failure_threshold:
            return Verdict.FAILURE
        return Verdict.UNDECIDED
