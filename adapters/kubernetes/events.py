"""What the engines report, as Kubernetes Events on the objects they drive."""

import hashlib
import logging
from dataclasses import dataclass

from adapters.kubernetes.errors import KubernetesRefusal
from adapters.kubernetes.kinds import EVENT, WORKSPACE, Kind
from adapters.kubernetes.node_dialect import NODE_CLAIM_DIALECT, NodeDialect
from adapters.kubernetes.objects import KubernetesObjects
from adapters.kubernetes.workspace_codec import rfc3339, whole_seconds
from engine.action import EnsureNodeClaims
from engine.errors import Unreachable
from engine.nodes.claim import NodeClaim
from engine.nodes.phase import NodePhase
from engine.phase import Phase
from engine.ports import Clock
from engine.setback import Setback
from engine.workspace import Workspace

log = logging.getLogger(__name__)

WARNINGS = frozenset({Phase.DEGRADED, Phase.FAILED})
NODE_WARNINGS = frozenset({NodePhase.UNHEALTHY, NodePhase.FAILED})
KAITO_REASONS = {EnsureNodeClaims.__name__: "NodeClaimCreationFailed"}
"""Reasons by which KAITO's users know what we call by an action's name."""
MESSAGE_LENGTH = 1024
"""The API refuses longer messages (core/v1 Event)."""

NAMESPACE_OF_THE_CLUSTER = "default"
"""Where Events on cluster-scoped objects are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What an Event is about; ``namespace`` "" where the object has none."""

    kind: Kind
    namespace: str
    name: str
    uid: str
    resource_version: str

    def __str__(self) -> str:
        scope = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind.name} {scope}{self.name}"


class Events:
    """An Event that cannot be written is only logged."""

    def __init__(self, objects: KubernetesObjects, clock: Clock) -> None:
        self._objects = objects
        self._clock = clock

    async def write(self, about: Subject, kind: str, reason: str, message: str) -> None:
        now = self._clock.now()
        digest = hashlib.sha256(f"{about.uid}{rfc3339(now)}{reason}".encode()).hexdigest()[:16]
        seconds = whole_seconds(now)
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{about.name}.{digest}",
                "namespace": about.namespace or NAMESPACE_OF_THE_CLUSTER,
            },
            "involvedObject": {
                "apiVersion": about.kind.api_version,
                "kind": about.kind.name,
                **({"namespace": about.namespace} if about.namespace else {}),
                "name": about.name,
                "uid": about.uid,
                "resourceVersion": about.resource_version,
            },
            "type": kind,
            "reason": reason,
            "message": message[:MESSAGE_LENGTH],
            "source": {"component": "moorage"},
            "reportingComponent": "moorage",
            "reportingInstance": "moorage",
            "firstTimestamp": seconds,
            "lastTimestamp": seconds,
            "count": 1,
        }
        try:
            await self._objects.create(EVENT, body)
        except (KubernetesRefusal, Unreachable) as error:
            log.warning("%s: event %s not written: %s", about, reason, error)

    async def set_back(self, about: Subject, setback: Setback) -> None:
        log.warning("%s: %s: %s", about, setback.action, setback.message)
        reason = KAITO_REASONS.get(setback.action, f"{setback.action}Failed")
        await self.write(about, "Warning", reason, f"{setback.code}: {setback.message}")


class KubernetesEvents:
    """Implements ``engine.report.Report`` for workspaces."""

    def __init__(self, objects: KubernetesObjects, clock: Clock) -> None:
        self._events = Events(objects, clock)

    async def passed(self, workspace: Workspace, /) -> None:
        passage = workspace.machine.history[-1]
        log.info(
            "workspace %s: %s -> %s (%s: %s)",
            workspace.ref,
            passage.source,
            passage.destination,
            passage.reason,
            passage.message,
        )
        kind = "Warning" if passage.destination in WARNINGS else "Normal"
        subject = _workspace(workspace)
        await self._events.write(subject, kind, passage.destination.value, passage.message)

    async def set_back(self, workspace: Workspace, setback: Setback, /) -> None:
        await self._events.set_back(_workspace(workspace), setback)


class NodeClaimEvents:
    """Implements ``engine.report.Report`` for node claims."""

    def __init__(
        self,
        objects: KubernetesObjects,
        clock: Clock,
        dialect: NodeDialect = NODE_CLAIM_DIALECT,
    ) -> None:
        self._events = Events(objects, clock)
        self._kind = dialect.kind

    async def passed(self, claim: NodeClaim, /) -> None:
        passage = claim.machine.history[-1]
        log.info(
            "%s: %s -> %s (%s: %s)",
            claim.ref,
            passage.source,
            passage.destination,
            passage.reason,
            passage.message,
        )
        kind = "Warning" if passage.destination in NODE_WARNINGS else "Normal"
        subject = _node_claim(claim, self._kind)
        await self._events.write(subject, kind, passage.destination.value, passage.message)

    async def set_back(self, claim: NodeClaim, setback: Setback, /) -> None:
        await self._events.set_back(_node_claim(claim, self._kind), setback)


def _workspace(workspace: Workspace) -> Subject:
    return Subject(
        kind=WORKSPACE,
        namespace=workspace.ref.namespace,
        name=workspace.ref.name,
        uid=workspace.uid,
        resource_version=workspace.resource_version,
    )


def _node_claim(claim: NodeClaim, kind: Kind) -> Subject:
    return Subject(
        kind=kind,
        namespace="",
        name=claim.ref.name,
        uid=claim.uid,
        resource_version=claim.resource_version,
    )
