"""What people are told of a failed call: the server's rich error, in lines."""

from collections.abc import Callable, Iterator

import grpc
from google.rpc import error_details_pb2 as details
from google.rpc.status_pb2 import Status

from moorage.failure import ExitCode, Failure

STATUS_KEY = "grpc-status-details-bin"
"""The trailer of a google.rpc.Status (gRPC's richer error model)."""

_EXIT_CODES = {
    grpc.StatusCode.INVALID_ARGUMENT: ExitCode.INVALID,
    grpc.StatusCode.NOT_FOUND: ExitCode.NOT_FOUND,
    grpc.StatusCode.UNAVAILABLE: ExitCode.UNREACHABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED: ExitCode.UNREACHABLE,
}


def failure_of(
    error: grpc.aio.AioRpcError, address: str, *, spelled: Callable[[str], str] = str
) -> Failure:
    """A failure in the server's words, or in ours where no server answered.

    ``spelled`` turns a field of the request into what the user wrote.
    """
    exit_code = _EXIT_CODES.get(error.code(), ExitCode.FAILED)
    status = _status(error)
    if status is None:
        return _without_status(error, address, exit_code)
    violations = [f"{spelled(it.field)}: {it.description}" for it in _violations(status)]
    message = "the request is invalid" if violations else status.message
    return Failure(message, details=[*violations, *_retry(status)], exit_code=exit_code)


def _without_status(error: grpc.aio.AioRpcError, address: str, exit_code: ExitCode) -> Failure:
    if error.code() is grpc.StatusCode.UNAVAILABLE:
        return Failure(
            f"nothing answers at {address}",
            details=["start it with `moorage up`, or name another server with --server"],
            exit_code=exit_code,
        )
    return Failure(f"{error.code().name}: {error.details()}", exit_code=exit_code)


def _status(error: grpc.aio.AioRpcError) -> Status | None:
    for key, value in error.trailing_metadata() or ():
        if key == STATUS_KEY and isinstance(value, bytes):
            return Status.FromString(value)
    return None


def _violations(status: Status) -> Iterator[details.BadRequest.FieldViolation]:
    bad_request = details.BadRequest()
    for detail in status.details:
        if detail.Unpack(bad_request):
            yield from bad_request.field_violations


def _retry(status: Status) -> Iterator[str]:
    retry = details.RetryInfo()
    for detail in status.details:
        if detail.Unpack(retry):
            yield f"try again in {retry.retry_delay.ToTimedelta().total_seconds():g} s"
