"""When something of a plan happens.

A trigger that names an event ("the engine's second patch of workspace 1's StatefulSet") survives
the removal of what came before it; an instant often does not.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Which requests to the Kubernetes API are meant; what is empty or None means any.

    ``verb`` is one of get, list, watch, create, update, patch, apply, delete, or "write" for any
    that changes something. ``actor`` is a process or the beginning of its name. ``workspace`` is
    the number of a workspace of the plan.
    """

    actor: str = ""
    verb: str = ""
    kind: str = ""
    subresource: str = ""
    workspace: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """``seconds`` after the beginning."""

    when: Literal["at"] = "at"
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCall:
    """The ``nth`` such call, as it is sent or once it has been carried out; then a delay."""

    when: Literal["call"] = "call"
    calls: Calls
    nth: int = 1
    moment: Literal["sent", "carried out"] = "carried out"
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OnPhase:
    """The ``nth`` time that a workspace's stored phase becomes ``phase``; then a delay."""

    when: Literal["phase"] = "phase"
    workspace: int
    phase: str
    nth: int = 1
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AtStep:
    """Before the ``number``-th step of a process: at that await of whichever task it is."""

    when: Literal["step"] = "step"
    process: str
    number: int


When = Annotated[At | OnCall | OnPhase | AtStep, Field(discriminator="when")]
