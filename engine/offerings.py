"""What a workspace accepts to run on, in order: instance types, each in the ways to pay for it.

Where a provisioner has none of one offering, the next is asked for.
"""

from engine.capacity_type import CapacityType
from engine.instance_types import find_instance_type
from engine.sizing import PlanRefusal, plan
from engine.workspace import Offering, OfferingRefusal, Plan, Resource, WorkspaceSpec


def offerings(resource: Resource) -> tuple[Offering, ...]:
    """In order of preference: all capacity types of an instance type before the next type."""
    names = (resource.instance_type, *resource.fallback_instance_types)
    instance_types = [found.name if (found := find_instance_type(n)) else n for n in names]
    capacity_types = [*_known(resource)] or [CapacityType.ON_DEMAND]
    wanted = (
        Offering(instance_type=instance_type, capacity_type=capacity_type)
        for instance_type in instance_types
        for capacity_type in capacity_types
    )
    return tuple(dict.fromkeys(wanted))


def _known(resource: Resource) -> tuple[CapacityType, ...]:
    return tuple(
        CapacityType(name) for name in resource.capacity_types if name in set(CapacityType)
    )


def plans(spec: WorkspaceSpec) -> tuple[tuple[Offering, Plan | PlanRefusal], ...]:
    """What each offering comes to, in order."""
    return tuple((offering, plan(spec, offering)) for offering in offerings(spec.resource))


def choose(spec: WorkspaceSpec, first: int = 0) -> tuple[int, Plan] | None:
    """The first offering from the one numbered ``first`` on that serves, and what it comes to."""
    for number, (_, outcome) in enumerate(plans(spec)):
        if number >= first and isinstance(outcome, Plan):
            return number, outcome
    return None


def unfit(spec: WorkspaceSpec, first: int, end: int | None = None) -> tuple[OfferingRefusal, ...]:
    """The offerings numbered from ``first`` to before ``end`` that cannot serve, and why."""
    return tuple(
        OfferingRefusal(offering=offering, reason=outcome.reason, message=outcome.message)
        for offering, outcome in plans(spec)[first:end]
        if isinstance(outcome, PlanRefusal)
    )
