"""What Moorage does with objects, in the verbs of the Kubernetes API."""

from collections.abc import AsyncIterator, Mapping

from adapters.kubernetes.client import (
    APPLY_PATCH,
    FIELD_MANAGER,
    MERGE_PATCH,
    KubernetesClient,
    Object,
)
from adapters.kubernetes.errors import KubernetesRefusal
from adapters.kubernetes.kinds import POD, Kind

PAGE_SIZE = 500
ANY_VERSION = "0"


class KubernetesObjects:
    """Every call raises KubernetesRefusal or Unreachable."""

    def __init__(self, client: KubernetesClient) -> None:
        self._client = client

    async def server_version(self) -> str:
        """Such as ``v1.37.0``."""
        version = await self._client.request("GET", "/version")
        return str(version["gitVersion"])

    async def get(self, kind: Kind, name: str, namespace: str = "") -> Object:
        return await self._client.request("GET", kind.path(namespace, name))

    async def list_page(
        self,
        kind: Kind,
        namespace: str = "",
        *,
        labels: str = "",
        limit: int,
        token: str = "",
        not_older_than: str = "",
    ) -> Object:
        query = {
            "limit": str(limit),
            "labelSelector": labels,
            "continue": token,
            "resourceVersion": not_older_than,
            "resourceVersionMatch": "NotOlderThan" if not_older_than else "",
        }
        return await self._client.request(
            "GET", kind.path(namespace), query={key: value for key, value in query.items() if value}
        )

    async def list_all(
        self, kind: Kind, namespace: str = "", *, labels: str = "", not_older_than: str = ""
    ) -> tuple[list[Object], str]:
        """Every object, and the resource version from which a watch carries on.

        The most recent ones; with ``not_older_than`` those that a server's cache has, which is
        cheaper and may lie behind, though never behind that version (ANY_VERSION sets no bound).
        """
        items: list[Object] = []
        version, token = "", ""
        while True:
            page = await self.list_page(
                kind,
                namespace,
                labels=labels,
                limit=PAGE_SIZE,
                token=token,
                not_older_than="" if token else not_older_than,
            )
            items += page["items"]
            version = version or page["metadata"]["resourceVersion"]
            token = page["metadata"].get("continue", "")
            if not token:
                return items, version

    async def create(self, kind: Kind, body: Object, *, dry_run: bool = False) -> Object:
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        if dry_run:
            query["dryRun"] = "All"
        namespace = body["metadata"].get("namespace", "")
        return await self._client.request("POST", kind.path(namespace), query=query, body=body)

    async def apply(self, kind: Kind, body: Object) -> Object:
        """Server-side apply: creates or changes just the fields that ``body`` names."""
        metadata = body["metadata"]
        return await self._client.request(
            "PATCH",
            kind.path(metadata.get("namespace", ""), metadata["name"]),
            query={"fieldManager": FIELD_MANAGER, "force": "true"},
            body=body,
            content_type=APPLY_PATCH,
        )

    async def replace(self, kind: Kind, body: Object) -> Object:
        metadata = body["metadata"]
        return await self._client.request(
            "PUT",
            kind.path(metadata.get("namespace", ""), metadata["name"]),
            query={"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"},
            body=body,
        )

    async def merge(
        self, kind: Kind, name: str, namespace: str, patch: Object, *, subresource: str = ""
    ) -> Object:
        """A merge patch; with ``metadata.resourceVersion`` in it, guarded by that version."""
        return await self._client.request(
            "PATCH",
            kind.path(namespace, name, subresource),
            query={"fieldManager": FIELD_MANAGER},
            body=patch,
            content_type=MERGE_PATCH,
        )

    async def delete(
        self,
        kind: Kind,
        name: str,
        namespace: str = "",
        *,
        uid: str = "",
        resource_version: str = "",
        grace_seconds: int | None = None,
    ) -> Object:
        """``grace_seconds`` None leaves a pod the grace period of its own spec."""
        guards = {"uid": uid, "resourceVersion": resource_version}
        preconditions = {key: value for key, value in guards.items() if value}
        body: Object = {
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "propagationPolicy": "Background",
        }
        if preconditions:
            body["preconditions"] = preconditions
        if grace_seconds is not None:
            body["gracePeriodSeconds"] = grace_seconds
        return await self._client.request("DELETE", kind.path(namespace, name), body=body)

    async def delete_if_there(
        self,
        kind: Kind,
        name: str,
        namespace: str = "",
        *,
        uid: str = "",
        grace_seconds: int | None = None,
    ) -> None:
        try:
            await self.delete(kind, name, namespace, uid=uid, grace_seconds=grace_seconds)
        except KubernetesRefusal as error:
            if not error.not_found:
                raise

    async def pods_on(self, node: str) -> list[Object]:
        """All pods bound to a node, of all namespaces; kubelets hold far fewer than a page."""
        answer = await self._client.request(
            "GET",
            POD.path(),
            query={"fieldSelector": f"spec.nodeName={node}", "limit": str(PAGE_SIZE)},
        )
        items: list[Object] = answer["items"]
        return items

    async def evict(self, pod: Object) -> None:
        """Asks for the pod to leave, as its disruption budgets allow; refused with 429 until then.

        One that is gone, or another by now, is fine.
        """
        metadata = pod["metadata"]
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
            "deleteOptions": {"preconditions": {"uid": metadata["uid"]}},
        }
        path = POD.path(metadata["namespace"], metadata["name"], "eviction")
        try:
            await self._client.request("POST", path, body=eviction)
        except KubernetesRefusal as error:
            if not (error.not_found or error.conflict):
                raise

    def watch(
        self, kind: Kind, namespace: str = "", *, labels: str = "", since: str
    ) -> AsyncIterator[Object]:
        query: Mapping[str, str] = {"resourceVersion": since}
        if labels:
            query = {**query, "labelSelector": labels}
        return self._client.watch(kind.path(namespace), query)
