"""What a client sees of an error: ``google.rpc.Status`` with one ErrorInfo and fitting details."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details
from google.rpc.code_pb2 import Code
from google.rpc.status_pb2 import Status

from api.errors import (
    DeadlineExceeded,
    Draining,
    InvalidRequest,
    RequestIdReused,
    SlowReader,
    UnknownItem,
    WatchEnded,
)
from api.field_path import api_path
from api.names import PRESETS_PREFIX, workspace_name
from api.v1 import error_reason_pb2 as pb
from engine.errors import (
    AlreadyExists,
    IllegalCommand,
    NotFound,
    Refused,
    Stale,
    TokenExpired,
    Unreachable,
    Violation,
    WatchExpired,
)
from engine.workspace import WorkspaceRef

DOMAIN = "moorage.sh"
RETRY_DELAY = timedelta(seconds=1)
MAX_TEXT = 500
MAX_DESCRIPTION = 1000
MAX_VIOLATIONS_BYTES = 4096
"""Errors travel in trailers, of which gRPC clients take 8 KiB, base64 and all, by default."""

_Row = tuple[Code.ValueType, pb.ErrorReason.ValueType]

TABLE: Mapping[type[Exception], _Row] = {
    InvalidRequest: (Code.INVALID_ARGUMENT, pb.ERROR_REASON_INVALID_REQUEST),
    NotFound: (Code.NOT_FOUND, pb.ERROR_REASON_NOT_FOUND),
    UnknownItem: (Code.NOT_FOUND, pb.ERROR_REASON_NOT_FOUND),
    AlreadyExists: (Code.ALREADY_EXISTS, pb.ERROR_REASON_ALREADY_EXISTS),
    RequestIdReused: (Code.ALREADY_EXISTS, pb.ERROR_REASON_REQUEST_ID_REUSED),
    Stale: (Code.ABORTED, pb.ERROR_REASON_STALE_ETAG),
    IllegalCommand: (Code.FAILED_PRECONDITION, pb.ERROR_REASON_ILLEGAL_COMMAND),
    Refused: (Code.FAILED_PRECONDITION, pb.ERROR_REASON_REFUSED),
    TokenExpired: (Code.OUT_OF_RANGE, pb.ERROR_REASON_PAGE_TOKEN_EXPIRED),
    WatchExpired: (Code.OUT_OF_RANGE, pb.ERROR_REASON_CURSOR_EXPIRED),
    SlowReader: (Code.RESOURCE_EXHAUSTED, pb.ERROR_REASON_SLOW_READER),
    Draining: (Code.UNAVAILABLE, pb.ERROR_REASON_DRAINING),
    Unreachable: (Code.UNAVAILABLE, pb.ERROR_REASON_UNREACHABLE),
    DeadlineExceeded: (Code.DEADLINE_EXCEEDED, pb.ERROR_REASON_DEADLINE_EXCEEDED),
}
_INTERNAL: _Row = (Code.INTERNAL, pb.ERROR_REASON_INTERNAL)

_FIXED_TEXTS: Mapping[type[Exception], str] = {
    TokenExpired: "the rest of this list can no longer be had: list again without a page token",
    WatchExpired: "what happened since this cursor is forgotten: watch again without a cursor",
    Unreachable: "the cluster behind this server could not be reached: try again",
}
"""For errors whose own text is empty or tells of the inside."""


def status_of(error: Exception, *, call_id: str) -> Status:
    """Errors that are not in the table are INTERNAL, and only the call's id is told of them."""
    cursor = {}
    if isinstance(error, WatchEnded):
        cursor = {"cursor": error.cursor}
        error = error.cause
    error = _as_invalid_request(error)
    code, reason = _row(error)
    info = details.ErrorInfo(
        reason=pb.ErrorReason.Name(reason),
        domain=DOMAIN,
        metadata=_metadata(error, call_id) | cursor,
    )
    status = Status(code=code, message=_text(error, call_id))
    for detail in (info, *_details(error)):
        status.details.add().Pack(detail)
    return status


def _as_invalid_request(error: Exception) -> Exception:
    """The engine and the store spell field paths as KAITO does."""
    if isinstance(error, Refused) and error.violations:
        return InvalidRequest(
            [
                Violation(field=api_path(v.field), description=v.description)
                for v in error.violations
            ]
        )
    return error


def _row(error: Exception) -> _Row:
    return next((row for kind, row in TABLE.items() if isinstance(error, kind)), _INTERNAL)


def _text(error: Exception, call_id: str) -> str:
    if _row(error) is _INTERNAL:
        return f"internal error; the server's log has it under request id {call_id}"
    if isinstance(error, InvalidRequest) and len(error.violations) > 1:
        fields = ", ".join(v.field for v in error.violations)
        return _clip(
            f"{len(error.violations)} things are wrong with the request: {fields}", MAX_TEXT
        )
    return _clip(_FIXED_TEXTS.get(type(error), str(error)), MAX_TEXT)


def _clip(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _metadata(error: Exception, call_id: str) -> dict[str, str]:  # noqa: PLR0911 — a row each
    match error:
        case InvalidRequest(violations=violations):
            return {"violations": str(len(violations))}
        case IllegalCommand(command=command, phase=phase):
            return {"resource": _resource(error.name), "command": command, "phase": phase}
        case NotFound() | AlreadyExists() | Stale():
            return {"resource": _resource(error.name)}
        case UnknownItem(name=name):
            return {"resource": _clip(name, MAX_TEXT)}
        case RequestIdReused(request_id=request_id):
            return {"request_id": request_id}
        case SlowReader(behind=behind):
            return {"behind": str(behind)}
        case DeadlineExceeded(limit_seconds=limit):
            return {"limit_seconds": f"{limit:g}"}
        case _:
            return {"request_id": call_id} if _row(error) is _INTERNAL else {}


def _details(error: Exception) -> Sequence[Message]:  # noqa: PLR0911 — a row each
    match error:
        case InvalidRequest(violations=violations):
            return [_bad_request(violations)]
        case NotFound() | AlreadyExists():
            return [_resource_info("moorage.v1.Workspace", _resource(error.name), str(error))]
        case UnknownItem(name=name):
            kind = "Preset" if name.startswith(PRESETS_PREFIX) else "InstanceType"
            return [_resource_info(f"moorage.v1.{kind}", _clip(name, MAX_TEXT), str(error))]
        case IllegalCommand():
            return [_precondition("STATE", _resource(error.name), str(error))]
        case Refused():
            return [_precondition("ADMISSION", "", str(error))]
        case Unreachable() | SlowReader() | Draining():
            delay = Duration()
            delay.FromTimedelta(RETRY_DELAY)
            return [details.RetryInfo(retry_delay=delay)]
        case _:
            return []


def _bad_request(violations: Sequence[Violation]) -> details.BadRequest:
    found = details.BadRequest()
    for index, violation in enumerate(violations):
        if found.ByteSize() > MAX_VIOLATIONS_BYTES:
            rest = f"and {len(violations) - index} more violations"
            found.field_violations.add(field="", description=rest)
            break
        found.field_violations.add(
            field=_clip(violation.field, MAX_TEXT),
            description=_clip(violation.description, MAX_DESCRIPTION),
        )
    return found


def _resource_info(kind: str, name: str, description: str) -> details.ResourceInfo:
    return details.ResourceInfo(
        resource_type=kind, resource_name=name, description=_clip(description, MAX_TEXT)
    )


def _precondition(kind: str, subject: str, description: str) -> details.PreconditionFailure:
    violation = details.PreconditionFailure.Violation(
        type=kind, subject=subject, description=_clip(description, MAX_DESCRIPTION)
    )
    return details.PreconditionFailure(violations=[violation])


def _resource(name: str) -> str:
    """The engine's errors name a workspace as ``namespace/name``."""
    namespace, _, plain = name.partition("/")
    return workspace_name(WorkspaceRef(namespace=namespace, name=plain))
