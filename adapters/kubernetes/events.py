"""What the engine reports, as Kubernetes Events on the workspace."""

import hashlib
import logging

from adapters.kubernetes.errors import KubernetesRefusal
from adapters.kubernetes.kinds import EVENT, WORKSPACE
from adapters.kubernetes.objects import KubernetesObjects
from adapters.kubernetes.workspace_codec import rfc3339, whole_seconds
from engine.errors import Unreachable
from engine.phase import Phase
from engine.ports import Clock
from engine.setback import Setback
from engine.workspace import Workspace

log = logging.getLogger(__name__)

WARNINGS = frozenset({Phase.DEGRADED, Phase.FAILED})
MESSAGE_LENGTH = 1024
"""The API refuses longer messages (core/v1 Event)."""


class KubernetesEvents:
    """Implements ``engine.report.Report``; an Event that cannot be written is only logged."""

    def __init__(self, objects: KubernetesObjects, clock: Clock) -> None:
        self._objects = objects
        self._clock = clock

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
        await self._write(workspace, kind, passage.destination.value, passage.message)

    async def set_back(self, workspace: Workspace, setback: Setback, /) -> None:
        log.warning("workspace %s: %s: %s", workspace.ref, setback.action, setback.message)
        await self._write(
            workspace, "Warning", f"{setback.action}Failed", f"{setback.code}: {setback.message}"
        )

    async def _write(self, workspace: Workspace, kind: str, reason: str, message: str) -> None:
        now = self._clock.now()
        digest = hashlib.sha256(f"{workspace.uid}{rfc3339(now)}{reason}".encode()).hexdigest()[:16]
        seconds = whole_seconds(now)
        body = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{workspace.ref.name}.{digest}",
                "namespace": workspace.ref.namespace,
            },
            "involvedObject": {
                "apiVersion": WORKSPACE.api_version,
                "kind": WORKSPACE.name,
                "namespace": workspace.ref.namespace,
                "name": workspace.ref.name,
                "uid": workspace.uid,
                "resourceVersion": workspace.resource_version,
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
            log.warning("workspace %s: event %s not written: %s", workspace.ref, reason, error)
