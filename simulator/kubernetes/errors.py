"""The refusals of the API, worded as kube-apiserver words them."""

from collections.abc import Sequence

from simulator.kubernetes.resources import Resource
from simulator.kubernetes.status import ApiError, Cause, Object


def _details(resource: Resource, name: str) -> Object:
    details: Object = {}
    if name:
        details["name"] = name
    if resource.group:
        details["group"] = resource.group
    details["kind"] = resource.plural
    return details


def not_found(resource: Resource, name: str) -> ApiError:
    return ApiError(
        404,
        "NotFound",
        f'{resource.qualified_plural} "{name}" not found',
        details=_details(resource, name),
    )


def no_such_path() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def already_exists(resource: Resource, name: str) -> ApiError:
    return ApiError(
        409,
        "AlreadyExists",
        f'{resource.qualified_plural} "{name}" already exists',
        details=_details(resource, name),
    )


def conflict(resource: Resource, name: str, why: str) -> ApiError:
    return ApiError(
        409,
        "Conflict",
        f'Operation cannot be fulfilled on {resource.qualified_plural} "{name}": {why}',
        details=_details(resource, name),
    )


def modified(resource: Resource, name: str) -> ApiError:
    return conflict(
        resource,
        name,
        "the object has been modified; please apply your changes to the latest version and try "
        "again",
    )


def invalid(resource: Resource, name: str, causes: Sequence[Cause]) -> ApiError:
    """422: every cause at once, as field errors."""
    details: Object = {"name": name} if name else {}
    if resource.group:
        details["group"] = resource.group
    details["kind"] = resource.kind
    problems = [f"{cause.field}: {cause.message}" for cause in causes]
    text = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
    return ApiError(
        422,
        "Invalid",
        f'{resource.qualified_kind} "{name}" is invalid: {text}',
        causes=causes,
        details=details,
    )


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def forbidden(resource: Resource, name: str, why: str, causes: Sequence[Cause] = ()) -> ApiError:
    return ApiError(
        403,
        "Forbidden",
        f'{resource.qualified_plural} "{name}" is forbidden: {why}',
        causes=causes,
        details=_details(resource, name),
    )


def method_not_allowed() -> ApiError:
    return ApiError(
        405,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
    )


def unsupported_media_type(supported: Sequence[str]) -> ApiError:
    return ApiError(
        415,
        "UnsupportedMediaType",
        "the body of the request was in an unknown format - accepted media types include: "
        + ", ".join(supported),
    )


def not_acceptable(supported: Sequence[str]) -> ApiError:
    return ApiError(
        406,
        "NotAcceptable",
        "only the following media types are accepted: " + ", ".join(supported),
    )


def expired(requested: int, oldest: int) -> ApiError:
    return ApiError(410, "Expired", f"too old resource version: {requested} ({oldest})")


def too_large_resource_version(requested: int, current: int) -> ApiError:
    return ApiError(
        504,
        "Timeout",
        f"Too large resource version: {requested}, current: {current}",
        causes=[
            Cause(reason="ResourceVersionTooLarge", message="Too large resource version"),
        ],
        retry_after_seconds=1,
    )


def invalid_options(kind: str, field: str, problem: str) -> ApiError:
    """422 for a query parameter or an option that makes no sense."""
    return ApiError(
        422,
        "Invalid",
        f'{kind}.meta.k8s.io "" is invalid: {field}: {problem}',
        causes=[Cause(reason="FieldValueInvalid", message=problem, field=field)],
        details={"group": "meta.k8s.io", "kind": kind},
    )
