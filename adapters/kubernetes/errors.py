"""What the Kubernetes API refuses, by the reason clients are meant to act on.

Transport failures become ``engine.errors.Unreachable``; everything the server answers becomes a
``KubernetesRefusal``, which each adapter maps to the engine's own errors where it knows better.
"""

import json
from dataclasses import dataclass
from typing import Any

MESSAGE_LENGTH = 1024
"""Enough for a person; admission webhooks may answer with whole documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCause:
    field: str
    message: str


class KubernetesRefusal(Exception):
    """A ``Status`` other than success: ``code`` is HTTP's, ``reason`` is metav1.StatusReason."""

    def __init__(
        self,
        *,
        code: int,
        reason: str,
        message: str,
        name: str = "",
        causes: tuple[FieldCause, ...] = (),
    ) -> None:
        """``name`` is that of the object, "" where the server knows no such kind either."""
        super().__init__(f"{message} ({code} {reason})")
        self.code = code
        self.reason = reason
        self.message = message
        self.name = name
        self.causes = causes

    @property
    def not_found(self) -> bool:
        """There is no such object. A kind that is not served says nothing of its objects."""
        return self.reason == "NotFound" and self.name != ""

    @property
    def unserved(self) -> bool:
        """The server knows no such kind: its CRD is missing, for now or for good."""
        return self.code == 404 and not self.not_found  # noqa: PLR2004 - HTTP's own number

    @property
    def conflict(self) -> bool:
        return self.reason == "Conflict"

    @property
    def already_exists(self) -> bool:
        return self.reason == "AlreadyExists"

    @property
    def expired(self) -> bool:
        return self.reason in ("Expired", "Gone")

    @property
    def too_far_ahead(self) -> bool:
        """The server's cache has not got to the resource version asked for."""
        return self.code == 504 and "Too large resource version" in self.message  # noqa: PLR2004

    @property
    def transient(self) -> bool:
        """The server could not answer now: 429, 5xx, and a kind that is not served for now."""
        return self.unserved or self.code == 429 or self.code >= 500  # noqa: PLR2004


def refusal(code: int, body: bytes) -> KubernetesRefusal:
    """What an answer outside 2xx means; a body that is no Status is not repeated to anyone."""
    try:
        status = json.loads(body)
    except ValueError:
        status = {}
    return from_status(status if isinstance(status, dict) else {}, code)


def from_status(status: dict[str, Any], code: int) -> KubernetesRefusal:
    details = status.get("details") or {}
    return KubernetesRefusal(
        code=int(status.get("code") or code),
        reason=status.get("reason") or "Unknown",
        message=(status.get("message") or f"HTTP {code}")[:MESSAGE_LENGTH],
        name=details.get("name") or "",
        causes=tuple(
            FieldCause(field=cause.get("field", ""), message=cause.get("message", ""))
            for cause in details.get("causes") or ()
        ),
    )
