"""The workspace as the engine sees it: what the user asked for and where its machine stands.

Field names follow KAITO's Workspace API (``api/v1beta1/workspace_types.go``) in Python's spelling.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from engine.capacity_type import CapacityType
from engine.phase import Phase
from engine.provisioning import Provisioner
from engine.reason import Reason

FINALIZER = "workspace.finalizer.kaito.sh"
RETRY_ANNOTATION = "moorage.sh/retry"
"""Its value is the id of a requested retry; a new value asks for another."""
API_KEY_SECRET_ANNOTATION = "moorage.sh/api-key-secret"  # noqa: S105 - a name, no secret
"""Names the Secret whose ``api-key`` clients of the model must show."""
FALLBACKS_ANNOTATION = "moorage.sh/fallback-instance-types"
CAPACITY_TYPES_ANNOTATION = "moorage.sh/capacity-types"
"""Both hold lists, separated by commas, which KAITO's resource has no fields for."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class WorkspaceRef:
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """``fallback_instance_types`` are tried in order where the first cannot be had, each as every
    one of ``capacity_types`` (as written; on-demand where there are none).
    """

    instance_type: str
    count: int = 1
    match_labels: Mapping[str, str] = field(default_factory=dict)
    preferred_nodes: tuple[str, ...] = ()
    fallback_instance_types: tuple[str, ...] = ()
    capacity_types: tuple[str, ...] = ()


class AccessMode(StrEnum):
    PUBLIC = "public"
    PRIVATE = "private"


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetChoice:
    """The preset a user names; ``image`` and its secrets are for private presets."""

    name: str
    access_mode: AccessMode = AccessMode.PUBLIC
    image: str = ""
    image_pull_secrets: tuple[str, ...] = ()
    model_access_secret: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSource:
    name: str = ""
    urls: tuple[str, ...] = ()
    image: str = ""
    image_pull_secrets: tuple[str, ...] = ()
    volume: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDestination:
    image: str = ""
    image_push_secret: str = ""
    volume: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """``strength`` is a decimal from 0 (the base model) to 1, as text, as KAITO has it."""

    source: DataSource
    strength: str = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    preset: PresetChoice | None = None
    template: Mapping[str, Any] | None = None
    config: str = ""
    adapters: tuple[Adapter, ...] = ()


class TuningMethod(StrEnum):
    LORA = "lora"
    QLORA = "qlora"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """``method`` is kept as written: KAITO compares it without regard to case."""

    preset: PresetChoice | None = None
    method: str = ""
    config: str = ""
    input: DataSource | None = None
    output: DataDestination | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceSpec:
    resource: Resource
    inference: Inference | None = None
    tuning: Tuning | None = None


class ConditionType(StrEnum):
    """KAITO's condition types, exact; WorkspaceReady is its name until 2024."""

    NODE_CLAIM_READY = "NodeClaimReady"
    NODES_READY = "NodesReady"
    RESOURCE_READY = "ResourceReady"
    INFERENCE_READY = "InferenceReady"
    JOB_STARTED = "JobStarted"
    WORKSPACE_READY = "WorkspaceReady"
    WORKSPACE_SUCCEEDED = "WorkspaceSucceeded"
    WORKSPACE_DELETING = "WorkspaceDeleting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A metav1.Condition."""

    type: ConditionType
    status: bool
    reason: str
    message: str
    since: datetime
    observed_generation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Offering:
    """A kind of machine, and how it is paid for."""

    instance_type: str
    capacity_type: CapacityType

    def __str__(self) -> str:
        return f"{self.instance_type} ({self.capacity_type})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the machine decided to ask the world for, and why."""

    preset: str
    instance_type: str
    node_count: int
    gpus_per_node: int
    disk_gib: int
    why: str
    capacity_type: CapacityType = CapacityType.ON_DEMAND
    provisioner: Provisioner = Provisioner.NODE_CLAIM

    @property
    def offering(self) -> Offering:
        return Offering(instance_type=self.instance_type, capacity_type=self.capacity_type)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferingRefusal:
    """Why an offering could not be had: in the provisioner's words, or those of the plan."""

    offering: Offering
    reason: str
    message: str

    def __str__(self) -> str:
        return f"{self.offering}: {self.reason}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where the workspace answers, as ``host:port`` or a URL; empty while it has no Service."""

    http: str = ""
    triton_http: str = ""
    triton_grpc: str = ""
    metrics: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One passage of the machine from a phase to another."""

    source: Phase
    destination: Phase
    at: datetime
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineState:
    """What the machine remembers; persisted in the resource's status.

    ``deadline`` is the instant at which this phase stops waiting, None where it rests.
    ``attempt`` counts the tries, from 1; it is part of every node claim's name, so that a retry
    never meets the remains of an earlier try. ``revision`` is a digest of all that shapes the
    pods, as of ``planned_generation``. ``foreign_conditions`` are what others say of the workspace,
    kept as they are. ``silent_since`` is when a ready replica's model first
    failed to answer. ``replacements`` counts, for each node of this attempt, the claims that were
    lost and replaced (empty: none yet), the last of them at ``replaced_at``; ``claims_seen`` names
    the wanted claims that were once observed, so that one which is missing is known to be gone.
    ``candidate`` numbers the offering in use, from 0; ``refused`` are those of this attempt that
    could not be had. ``own_nodes`` are nodes of the user's that it runs on.
    """

    phase: Phase = Phase.PENDING
    since: datetime
    deadline: datetime | None = None
    reason: Reason = Reason.FINALIZER_PENDING
    message: str = ""
    waiting_for: str = ""
    remedy: str = ""
    attempt: int = 1
    plan: Plan | None = None
    revision: str = ""
    planned_generation: int = 0
    handled_retry: str = ""
    silent_since: datetime | None = None
    replacements: tuple[int, ...] = ()
    replaced_at: datetime | None = None
    claims_seen: tuple[str, ...] = ()
    candidate: int = 0
    refused: tuple[OfferingRefusal, ...] = ()
    own_nodes: tuple[str, ...] = ()
    worker_nodes: tuple[str, ...] = ()
    endpoints: Endpoints = field(default_factory=Endpoints)
    conditions: tuple[Condition, ...] = ()
    foreign_conditions: tuple[Mapping[str, Any], ...] = ()
    history: tuple[Passage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """A stored workspace; ``resource_version`` guards every write (the API's etag)."""

    ref: WorkspaceRef
    uid: str
    resource_version: str
    generation: int
    created: datetime
    spec: WorkspaceSpec
    machine: MachineState
    deletion_requested: datetime | None = None
    finalizer_held: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @property
    def retry_requested(self) -> str:
        """The id of a retry that was asked for and not yet handled, "" where there is none."""
        asked = self.annotations.get(RETRY_ANNOTATION, "")
        return "" if asked == self.machine.handled_retry else asked
