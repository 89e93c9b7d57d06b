"""The node claims that are ours to fulfil, kept by Kubernetes, in either dialect."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from adapters.kubernetes.client import Object
from adapters.kubernetes.errors import KubernetesRefusal
from adapters.kubernetes.node_claim_codec import (
    STATE_ANNOTATION,
    decode_claim,
    encode_labels,
    encode_state,
    encode_status,
)
from adapters.kubernetes.node_dialect import NODE_CLAIM_DIALECT, NodeDialect
from adapters.kubernetes.objects import KubernetesObjects
from adapters.kubernetes.reflector import FIRST_PAUSE_SECONDS
from engine.errors import EngineError, NotFound, Stale, Unreachable, WatchExpired
from engine.nodes.claim import NodeClaim, NodeClaimRef


class KubernetesNodeClaims:
    """Implements ``engine.nodes.ports.NodeClaimStore``."""

    def __init__(
        self, objects: KubernetesObjects, dialect: NodeDialect = NODE_CLAIM_DIALECT
    ) -> None:
        self._objects = objects
        self._dialect = dialect

    async def get(self, ref: NodeClaimRef, /) -> NodeClaim:
        try:
            item = await self._objects.get(self._dialect.kind, ref.name)
        except KubernetesRefusal as error:
            raise _engine_error(error, ref) from error
        if not self._dialect.ours(item):
            raise NotFound(str(ref))
        return decode_claim(item, self._dialect)

    async def save(self, claim: NodeClaim, /) -> NodeClaim:
        """Memory first, since acting goes by it; the status that others read follows from it.

        A crash in between leaves a status that lags, which the next step finds and mends.
        """
        kind, name = self._dialect.kind, claim.ref.name
        remember = {
            "metadata": {
                "resourceVersion": claim.resource_version,
                "labels": encode_labels(claim),
                "annotations": {STATE_ANNOTATION: encode_state(claim.machine)},
            }
        }
        try:
            item = await self._objects.merge(kind, name, "", remember)
            present = item.get("status") or {}
            status = encode_status(claim.machine, present, self._dialect)
            if any(present.get(key) != value for key, value in status.items()):
                version = item["metadata"]["resourceVersion"]
                tell = {"metadata": {"resourceVersion": version}, "status": status}
                item = await self._objects.merge(kind, name, "", tell, subresource="status")
        except KubernetesRefusal as error:
            raise _engine_error(error, claim.ref) from error
        return decode_claim(item, self._dialect)

    async def listed(self) -> tuple[Sequence[NodeClaim], str]:
        try:
            items, revision = await self._objects.list_all(self._dialect.kind)
        except KubernetesRefusal as error:
            raise _not_listed(error) from error
        mine = [decode_claim(item, self._dialect) for item in items if self._dialect.ours(item)]
        return mine, revision

    async def changed(self, since: str) -> AsyncIterator[NodeClaimRef]:
        while True:
            try:
                async for event in self._objects.watch(self._dialect.kind, since=since):
                    item: Object = event["object"]
                    since = item["metadata"]["resourceVersion"]
                    if event["type"] != "BOOKMARK" and self._dialect.ours(item):
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
