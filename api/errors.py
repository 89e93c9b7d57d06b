"""The API's own errors, beside the engine's; ``api/status.py`` says what clients see of both.

ApiError
├── InvalidRequest     something in the request is wrong; carries every violation at once
├── UnknownItem        the catalogue has no such entry
├── RequestIdReused    the request id stands for another request
├── DeadlineExceeded   the call took longer than the server allows
├── SlowReader         a watch's reader stood still for too long
├── Draining           the server is shutting down
└── WatchEnded         a watch ended for one of these or an engine's error; knows where to go on
"""

from collections.abc import Sequence

from engine.errors import Violation


class ApiError(Exception):
    """Every error that arises in this package."""


class InvalidRequest(ApiError):
    """The violations' fields are paths in the request."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("; ".join(f"{v.field}: {v.description}" for v in violations))
        self.violations = tuple(violations)


class UnknownItem(ApiError):
    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not in the catalogue")
        self.name = name


class RequestIdReused(ApiError):
    def __init__(self, request_id: str) -> None:
        super().__init__(f"request id {request_id!r} was used for another request: take a new one")
        self.request_id = request_id


class DeadlineExceeded(ApiError):
    def __init__(self, limit_seconds: float) -> None:
        super().__init__(
            f"not done within {limit_seconds:g} s; whether it happened is not known: "
            "repeat it with the same request id"
        )
        self.limit_seconds = limit_seconds


class SlowReader(ApiError):
    def __init__(self, behind: int) -> None:
        super().__init__(
            f"the reader took none of {behind} messages for too long: watch again from the cursor"
        )
        self.behind = behind


class Draining(ApiError):
    def __init__(self) -> None:
        super().__init__("the server is shutting down: go on with another one, from the cursor")


class WatchEnded(ApiError):
    """``cursor`` is "" where the snapshot was not complete."""

    def __init__(self, cause: Exception, *, cursor: str) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.cursor = cursor
