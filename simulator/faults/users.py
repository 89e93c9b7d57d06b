"""What users do, as values, beside the faults of a plan.

``through`` says which door they take: gRPC, or kubectl (the Kubernetes API). ``workspace`` is the
number of one of the plan's workspaces.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

Through = Literal["grpc", "kubectl"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """``preset`` "" takes the plan's default; one that no catalogue knows makes a bad workspace.

    ``fallbacks`` is how many other instance types are accepted after the first, and ``capacity``
    in which ways of paying, in order; "" leaves it to the default.
    """

    does: Literal["create"] = "create"
    workspace: int = 0
    nodes: int = 1
    preset: str = ""
    fallbacks: int = 0
    capacity: str = ""
    through: Through = "grpc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Changes what is served: ``variant`` 0 is what was created, others differ (REVERT: 0)."""

    does: Literal["edit"] = "edit"
    workspace: int = 0
    variant: int = 1
    through: Through = "grpc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """Changes an annotation, which must change nothing else."""

    does: Literal["touch"] = "touch"
    workspace: int = 0
    through: Through = "kubectl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    does: Literal["delete"] = "delete"
    workspace: int = 0
    through: Through = "grpc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recreate:
    """Deletes, and creates under the same name as soon as that is free."""

    does: Literal["recreate"] = "recreate"
    workspace: int = 0
    nodes: int = 1
    through: Through = "grpc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Force:
    """Deletes, strips every finalizer, and creates under the same name at once."""

    does: Literal["force"] = "force"
    workspace: int = 0
    recreates: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    does: Literal["retry"] = "retry"
    workspace: int = 0
    through: Through = "grpc"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Reads the workspace (Get, List, Explain) right after the last write."""

    does: Literal["look"] = "look"
    workspace: int = 0


UserAction = Annotated[
    Create | Edit | Touch | Delete | Recreate | Force | Retry | Look, Field(discriminator="does")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcHabits:
    """Faults of a client's own making, drawn once a plan: how its gRPC calls go.

    ``repeats``: every write is sent again with the same request id (DUP). ``gives_up``: every
    n-th call is cancelled under way (DLX), and then asked again with the same id; 0 for never.
    ``resumes``: its Watch is broken after every n-th message and resumed (RES); 0 for never.
    """

    repeats: bool = False
    gives_up: int = 0
    resumes: int = 0
