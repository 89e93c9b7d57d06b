"""ValidatingAdmissionPolicy: rules in CEL that may deny a request or warn about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from simulator.kubernetes.status import ApiError, Cause, Object


class Operation(StrEnum):
    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    CONNECT = "CONNECT"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionRequest:
    """``namespace_object`` is None for cluster-scoped resources."""

    operation: Operation
    group: str
    version: str
    resource: str
    kind: str
    name: str
    namespace: str = ""
    subresource: str = ""
    object: Object | None = None
    old_object: Object | None = None
    namespace_object: Object | None = None
    user: str = "system:admin"
    groups: tuple[str, ...] = ("system:masters", "system:authenticated")
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    denials: list[Cause] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def refusal(self, request: AdmissionRequest) -> ApiError | None:
        """What to answer in place of the object, where the request is denied."""
        return None


def evaluate(
    policies: Sequence[Object], bindings: Sequence[Object], request: AdmissionRequest
) -> Verdict:
    return Verdict()
