"""What befalls single requests: the faults that are armed, and which of them a request meets."""

from collections.abc import Callable
from dataclasses import dataclass

from simulator.faults.vocabulary import (
    Conflicting,
    ErrorAfter,
    ErrorBefore,
    KindMissing,
    Slow,
    Throttle,
    WebhookDenies,
)
from simulator.history import History
from simulator.kubernetes.http_messages import Response, error_response
from simulator.kubernetes.status import ApiError
from simulator.wire.sent import Sent, matches

RequestFault = (
    ErrorBefore | ErrorAfter | Throttle | Slow | Conflicting | WebhookDenies | KindMissing
)
BROKEN = 0
"""In place of an HTTP status: the connection breaks, and nobody is told anything."""

REASONS = {
    409: "Conflict",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


@dataclass(slots=True)
class Armed:
    """``until`` is in loop time; ``left`` counts the calls that it will still strike."""

    element: int
    fault: RequestFault
    left: int
    until: float


@dataclass(frozen=True, slots=True)
class Strike:
    """``element`` is its place in the plan."""

    element: int
    fault: RequestFault


class RequestFaults:
    def __init__(self, history: History, now: Callable[[], float]) -> None:
        self._history = history
        self._now = now
        self._armed: list[Armed] = []

    def arm(self, element: int, fault: RequestFault) -> None:
        if isinstance(fault, WebhookDenies | KindMissing):
            armed = Armed(element, fault, left=-1, until=self._now() + fault.seconds)
        else:
            armed = Armed(element, fault, left=fault.times, until=float("inf"))
        self._armed.append(armed)

    def disarm_all(self) -> None:
        self._armed.clear()

    def meet(self, request: Sent) -> Strike | None:
        """The first armed fault that the request meets; it is spent by so much."""
        if not self._armed:
            return None
        now = self._now()
        self._armed = [one for one in self._armed if one.left and one.until > now]
        for armed in self._armed:
            if self._meant(armed.fault, request):
                armed.left -= 1 if armed.left > 0 else 0
                return Strike(armed.element, armed.fault)
        return None

    def _meant(self, fault: RequestFault, request: Sent) -> bool:
        if isinstance(fault, KindMissing):
            return request.kind == fault.kind
        if isinstance(fault, Conflicting | WebhookDenies) and not request.writes:
            return False
        return matches(fault.calls, request, self._history)


def refusal(fault: RequestFault, request: Sent) -> Response | None:
    """The answer to a request that is not carried out; None where it is."""
    match fault:
        case ErrorBefore() if fault.status != BROKEN:
            return error_response(_error(fault.status))
        case Throttle():
            message = "the server has received too many requests and has asked us to try again"
            wait = fault.retry_after
            return error_response(
                ApiError(429, "TooManyRequests", message, retry_after_seconds=wait)
            )
        case WebhookDenies():
            message = 'admission webhook "policy.example.com" denied the request: not now'
            return error_response(ApiError(403, "Forbidden", message))
        case KindMissing():
            message = f"the server could not find the requested resource ({request.kind})"
            return error_response(ApiError(404, "NotFound", message))
    return None


def replaced_answer(fault: RequestFault) -> Response | None:
    """What the client is told in place of the truth; None where it is told the truth."""
    if isinstance(fault, ErrorAfter) and fault.status != BROKEN:
        return error_response(_error(fault.status))
    return None


def _error(status: int) -> ApiError:
    reason = REASONS.get(status, "InternalError")
    return ApiError(status, reason, f"injected: {status} {reason}")
