"""How a write was asked for: the options of POST, PUT and PATCH."""

from dataclasses import dataclass, field
from enum import StrEnum

from simulator.kubernetes import errors
from simulator.kubernetes.http_messages import Request


class FieldValidation(StrEnum):
    IGNORE = "Ignore"
    WARN = "Warn"
    STRICT = "Strict"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """``warnings`` collects what the answer's header will say.

    The cluster's own controllers are not named as field managers, nor are the fields of built-in
    kinds that they write compared with the kinds' schemas: the defaults say so.
    """

    check_fields: bool = False
    dry_run: bool = False
    field_validation: FieldValidation = FieldValidation.IGNORE
    field_manager: str = ""
    warnings: list[str] = field(default_factory=list)


def write_options(request: Request) -> WriteOptions:
    """Raises ApiError 422 for values that make no sense."""
    query = request.query
    dry_run = query.texts("dryRun")
    if any(each not in {"", "All"} for each in dry_run):
        raise errors.invalid_options(
            "CreateOptions", "dryRun", f'Unsupported value: {dry_run}: supported values: "All"'
        )
    validation = query.text("fieldValidation") or FieldValidation.WARN
    if validation not in set(FieldValidation):
        raise errors.invalid_options(
            "CreateOptions",
            "fieldValidation",
            f'Unsupported value: "{validation}": supported values: "Ignore", "Warn", "Strict"',
        )
    return WriteOptions(
        check_fields=True,
        dry_run="All" in dry_run,
        field_validation=FieldValidation(validation),
        field_manager=query.text("fieldManager") or _agent(request),
    )


def _agent(request: Request) -> str:
    """The program that asks, as managedFields names it where it does not name itself."""
    return request.headers.get("user-agent", "").partition("/")[0] or "unknown"
