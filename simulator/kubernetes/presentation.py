"""The form in which a client wants objects: as they are, as a Table, or their metadata alone."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from simulator.kubernetes import errors, table
from simulator.kubernetes.http_messages import JSON, Request
from simulator.kubernetes.json_values import encode
from simulator.kubernetes.resources import Resource
from simulator.kubernetes.status import Object
from simulator.kubernetes.store import Stored

_TABLE_VERSIONS = frozenset({"v1", "v1beta1"})


class Presentation(Protocol):
    """``media_type`` is the answer's Content-Type."""

    @property
    def media_type(self) -> str: ...

    @property
    def shares_events(self) -> bool:
        """Whether every watcher of the same resource sees the same bytes."""
        ...

    def one(self, resource: Resource, stored: Stored) -> bytes: ...

    def many(self, resource: Resource, items: Sequence[Stored], metadata: Object) -> bytes: ...

    def event(self, resource: Resource, stored: Stored, *, is_first: bool) -> bytes: ...

    def bookmark(self, resource: Resource, metadata: Object) -> bytes: ...


@dataclass(frozen=True, slots=True)
class AsObjects:
    media_type: str = JSON
    shares_events: bool = True

    def one(self, resource: Resource, stored: Stored) -> bytes:
        shown = resource.present(stored.object)
        return stored.encoded if shown is stored.object else encode(shown)

    def many(self, resource: Resource, items: Sequence[Stored], metadata: Object) -> bytes:
        head = encode({"kind": f"{resource.kind}List", "apiVersion": resource.api_version})
        inner = b",".join(self.one(resource, item) for item in items)
        return b'%b,"metadata":%b,"items":[%b]}' % (head[:-1], encode(metadata), inner)

    def event(self, resource: Resource, stored: Stored, *, is_first: bool) -> bytes:  # noqa: ARG002 - all alike
        return self.one(resource, stored)

    def bookmark(self, resource: Resource, metadata: Object) -> bytes:
        kind, api_version = resource.kind, resource.api_version
        return encode({"kind": kind, "apiVersion": api_version, "metadata": metadata})


@dataclass(frozen=True, slots=True)
class AsTable:
    version: str
    include: str
    now: Callable[[], datetime]
    shares_events: bool = False

    @property
    def media_type(self) -> str:
        return f"{JSON};as=Table;v={self.version};g=meta.k8s.io"

    def one(self, resource: Resource, stored: Stored) -> bytes:
        metadata = {"resourceVersion": stored.object["metadata"]["resourceVersion"]}
        return self._table(resource, [stored], metadata)

    def many(self, resource: Resource, items: Sequence[Stored], metadata: Object) -> bytes:
        return self._table(resource, items, metadata)

    def event(self, resource: Resource, stored: Stored, *, is_first: bool) -> bytes:
        metadata = {"resourceVersion": stored.object["metadata"]["resourceVersion"]}
        return self._table(resource, [stored], metadata, with_columns=is_first)

    def bookmark(self, resource: Resource, metadata: Object) -> bytes:
        return self._table(resource, [], metadata, with_columns=False)

    def _table(
        self,
        resource: Resource,
        items: Iterable[Stored],
        metadata: Object,
        *,
        with_columns: bool = True,
    ) -> bytes:
        now = self.now()
        columns = table.definitions(resource) if with_columns else []
        rows = (
            table.row(resource, resource.present(item.object), now, include=self.include)
            for item in items
        )
        return encode(table.table(columns, rows, metadata, version=self.version))


@dataclass(frozen=True, slots=True)
class AsMetadata:
    """PartialObjectMetadata, for clients that mind owners and labels alone."""

    media_type: str
    shares_events: bool = False

    def one(self, resource: Resource, stored: Stored) -> bytes:
        return encode(table.partial_metadata(resource.present(stored.object)))

    def many(self, resource: Resource, items: Sequence[Stored], metadata: Object) -> bytes:
        head = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1"}
        partial = [table.partial_metadata(resource.present(item.object)) for item in items]
        return encode({**head, "metadata": metadata, "items": partial})

    def event(self, resource: Resource, stored: Stored, *, is_first: bool) -> bytes:  # noqa: ARG002 - all alike
        return self.one(resource, stored)

    def bookmark(self, resource: Resource, metadata: Object) -> bytes:  # noqa: ARG002 - all alike
        return encode(table.partial_metadata({"metadata": metadata}))


AS_OBJECTS = AsObjects()


def chosen(request: Request, now: Callable[[], datetime]) -> Presentation:
    """The first form the client takes that is served; raises ApiError 406 when none is."""
    for media in request.accepted():
        wanted = media.parameters.get("as", "")
        version = media.parameters.get("v", "v1")
        if not media.is_json:
            continue
        if not wanted:
            return AS_OBJECTS
        if wanted == "Table" and version in _TABLE_VERSIONS:
            return AsTable(version, request.query.text("includeObject", "Metadata"), now)
        if wanted in {"PartialObjectMetadata", "PartialObjectMetadataList"}:
            return AsMetadata(f"{JSON};as={wanted};v={version};g=meta.k8s.io")
    raise errors.not_acceptable([JSON])
