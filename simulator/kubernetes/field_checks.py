"""Whether an object has the fields of its kind, and what they may hold."""

from simulator.kubernetes import built_in_validation, errors, schema
from simulator.kubernetes.built_in_schemas import FieldProblems
from simulator.kubernetes.resources import Origin, Resource
from simulator.kubernetes.status import ApiError, Cause, Object
from simulator.kubernetes.write_options import FieldValidation, WriteOptions


def problems(resource: Resource, obj: Object, live: Object | None) -> list[Cause]:
    """Everything wrong with ``obj`` as its kind has it; ``live`` is what an update replaces."""
    if resource.origin is Origin.BUILT_IN:
        return built_in_validation.problems(resource.collection, obj, live)
    return [] if resource.schema is None else schema.validate(resource.schema, obj, live)


def check(resource: Resource, found: FieldProblems, options: WriteOptions) -> None:
    """Raises ApiError 400 for values of the wrong type; unknown fields are reported."""
    if found.mistyped:
        raise _not_decoded(resource, found.mistyped[0])
    report_unknown(resource, found.unknown, options)


def _not_decoded(resource: Resource, why: str) -> ApiError:
    return errors.bad_request(
        f'{resource.kind} in version "{resource.version}" cannot be handled as a '
        f"{resource.kind}: {why}"
    )


def report_unknown(resource: Resource, paths: list[str], options: WriteOptions) -> None:
    """Refuses, warns of, or passes over fields the kind does not know, as the client asked."""
    found = [f'unknown field "{path}"' for path in paths]
    match options.field_validation:
        case FieldValidation.STRICT if found:
            raise _not_decoded(resource, f"strict decoding error: {', '.join(found)}")
        case FieldValidation.WARN:
            options.warnings.extend(found)
        case _:
            pass
