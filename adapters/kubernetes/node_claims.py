"""The node claims that are ours to fulfil, kept by Kubernetes."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from adapters.kubernetes.client import Object
from adapters.kubernetes.errors import KubernetesRefusal
from adapters.kubernetes.kinds import NODE_CLAIM
from adapters.kubernetes.node_claim_codec import (
    STATE_ANNOTATION,
    decode_claim,
    encode_labels,
    encode_state,
    encode_status,
    ours,
)
from adapters.kubernetes.objects import KubernetesObjects
from adapters.kubernetes.reflector import FIRST_PAUSE_SECONDS
from engine.errors import EngineError, NotFound, Stale, Unreachable, WatchExpired
from engine.nodes.claim import NodeClaim, NodeClaimRef


class KubernetesNodeClaims:
    """Implements ``engine.nodes.ports.NodeClaimStore``."""

    def __init__(self, objects: KubernetesObjects) -> None:
        self._objects = objects

    async def get(self, ref: NodeClaimRef, /) -> NodeClaim:
        try:
            item = await self._objects.get(NODE_CLAIM, ref.name)
        except KubernetesRefusal as error:
            raise _engine_error(error, ref) from error
        if not ours(item):
            raise NotFound(str(ref))
        return decode_claim(item)

    async def save(self, claim: NodeClaim, /) -> NodeClaim:
        """Memory first, since acting goes by it; the status that others read follows from it.

        A crash in between leaves a status that lags, which the next step finds and mends.
        """
        name = claim.ref.name
        remember = {
            "metadata": {
                "resourceVersion": claim.resource_version,
                "labels": encode_labels(claim),
                "annotations": {STATE_ANNOTATION: encode_state(claim.machine)},
            }
        }
        try:
            item = await self._objects.merge(NODE_CLAIM, name, "", remember)
            present = item.get("status") or {}
            status = encode_status(claim.machine, present)
            if any(present.get(key) != value for key, value in status.items()):
                version = item["metadata"]["resourceVersion"]
                tell = {"metadata": {"resourceVersion": version}, "status": status}
                item = await self._objects.merge(NODE_CLAIM, name, "", tell, subresource="status")
        except KubernetesRefusal as error:
            raise _engine_error(error, claim.ref) from error
        return decode_claim(item)

    async def listed(self) -> tuple[Sequence[NodeClaim], str]:
        try:
            items, revision = await self._objects.list_all(NODE_CLAIM)
        except KubernetesRefusal as error:
            raise _not_listed(error) from error
        return [decode_claim(item) for item in items if ours(item)], revision

    async def changed(self, since: str) -> AsyncIterator[NodeClaimRef]:
        while True:
            try:
                async for event in self._objects.watch(NODE_CLAIM, since=since):
                    item: Object = event["object"]
                    since = item["metadata"]["resourceVersion"]
                    if event["type"] != "BOOKMARK" and ours(item):
                        yield NodeClaimRef(name=item["metadata"]["name"])
            except KubernetesRefusal as error:
                if error.expired:
                    raise WatchExpired(f"revision {since} is no longer remembered") from error
                raise _not_listed(error) from error
            # A server that ends watches at once must not be asked again at once.
            await asyncio.sleep(FIRST_PAUSE_SECONDS)


def _not_listed(error: KubernetesRefusal) -> Unreachable:
    """Whatever the reason (the CRD is missing, RBAC), it may pass, and no claim is to blame."""
    return Unreachable(f"node claims cannot be listed: {error}")


def _engine_error(error: KubernetesRefusal, ref: NodeClaimRef) -> EngineError:
    if error.not_found:
        return NotFound(str(ref))
    if error.conflict:
        return Stale(str(ref))
    return Unreachable(f"{ref}: {error}")
