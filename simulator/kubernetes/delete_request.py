"""How a deletion was asked for: metav1.DeleteOptions from the body, or from the query."""

from simulator.kubernetes import bodies, errors
from simulator.kubernetes.deletion import DeleteOptions
from simulator.kubernetes.http_messages import Query, Request
from simulator.kubernetes.objects import Propagation
from simulator.kubernetes.status import Object


def delete_options(request: Request) -> DeleteOptions:
    return delete_options_of(bodies.read_optional_object(request), request.query)


def delete_options_of(body: Object, query: Query) -> DeleteOptions:
    """From the body, else from the query; raises ApiError 422 for values that make no sense."""
    grace = body.get("gracePeriodSeconds", query.integer("gracePeriodSeconds"))
    policy = body.get("propagationPolicy") or query.text("propagationPolicy")
    if not policy and (body.get("orphanDependents") or query.flag("orphanDependents")):
        policy = Propagation.ORPHAN
    if policy and policy not in set(Propagation):
        raise errors.invalid_options(
            "DeleteOptions",
            "propagationPolicy",
            f'Unsupported value: "{policy}": supported values: "Foreground", "Background", '
            '"Orphan"',
        )
    preconditions = body.get("preconditions") or {}
    dry_run = body.get("dryRun") or query.texts("dryRun")
    return DeleteOptions(
        grace_period_seconds=grace,
        propagation=Propagation(policy) if policy else None,
        uid=preconditions.get("uid"),
        resource_version=preconditions.get("resourceVersion"),
        dry_run="All" in dry_run,
    )
