"""A whole run as a value: the world, what users do, what goes wrong, and one seed for the rest.

A plan is a list of elements, so that a failing one can be made smaller by leaving elements out; as
JSON it is the bug report.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from simulator.faults.triggers import At, When
from simulator.faults.users import GrpcHabits, UserAction
from simulator.faults.vocabulary import Fault

Provisioner = Literal["karpenter", "moorage"]


class PlanError(Exception):
    """The text is no plan; the message says where it goes wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The world in which a plan takes place; ``hours`` of it with faults on.

    ``schedule``: "shuffled" takes ready callbacks in any order, "in order" as asyncio does,
    "priorities" changes the order at a few steps only. ``transport`` is how clients reach the API
    server: "direct" replaces the client's HTTP, "http" runs it over a connection in memory.
    ``latency`` is the longest a request or an answer is under way, in seconds. ``provisioner``:
    "karpenter" is an imitation of Karpenter's own controllers, "moorage" our node engine on the
    simulated Azure.
    """

    workspaces: int = 1
    hours: float = 1.0
    schedule: Literal["shuffled", "in order", "priorities"] = "shuffled"
    transport: Literal["direct", "http"] = "direct"
    latency: float = 0.02
    provisioner: Provisioner = "karpenter"
    habits: GrpcHabits = field(default_factory=GrpcHabits)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultElement:
    fault: Fault
    when: When = field(default_factory=At)


@dataclass(frozen=True, slots=True, kw_only=True)
class UserElement:
    user: UserAction
    when: When = field(default_factory=At)


Element = FaultElement | UserElement


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    seed: int = 0
    setting: Setting = field(default_factory=Setting)
    elements: tuple[Element, ...] = ()

    def with_elements(self, elements: Sequence[Element]) -> "Plan":
        return replace(self, elements=tuple(elements))

    @property
    def faults(self) -> tuple[FaultElement, ...]:
        return tuple(one for one in self.elements if isinstance(one, FaultElement))


_PLANS: TypeAdapter[Plan] = TypeAdapter(Plan)


def to_json(plan: Plan) -> str:
    """On one line, defaults included: a later version may have others."""
    return _PLANS.dump_json(plan).decode()


def from_json(text: str) -> Plan:
    """Raises PlanError."""
    try:
        return _PLANS.validate_json(text)
    except ValidationError as error:
        raise PlanError(str(error)) from error
