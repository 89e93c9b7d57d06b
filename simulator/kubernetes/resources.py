"""The kinds of object the API serves, as values: where each is found and what it offers."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from simulator.kubernetes.merge_shapes import PLAIN, Shape
from simulator.kubernetes.names import NameRule
from simulator.kubernetes.status import Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Subresource:
    """One path below an object, and the kind that travels there."""

    name: str
    kind: str
    verbs: tuple[str, ...]
    group: str = ""
    version: str = "v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalePaths:
    """Where a scalable kind keeps its replicas (JSON paths such as ``.spec.replicas``)."""

    spec_replicas: str = ".spec.replicas"
    status_replicas: str = ".status.replicas"
    label_selector: str = ".status.selector"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomColumn:
    """A CRD's ``additionalPrinterColumns`` entry."""

    name: str
    type: str
    json_path: str
    description: str = ""
    format: str = ""
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How a version other than the stored one reads and writes the stored objects."""

    from_storage: Callable[[Object], Object]
    to_storage: Callable[[Object], Object]


class Origin(Enum):
    BUILT_IN = "built-in"
    CUSTOM = "custom"


OBJECT_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Resource:
    """One kind in one version.

    ``collection`` names the set of stored objects; several versions of a kind share one.
    ``storage_api_version`` is the apiVersion those objects carry at rest.
    """

    group: str
    version: str
    kind: str
    plural: str
    singular: str
    collection: str
    storage_api_version: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = OBJECT_VERBS
    subresources: tuple[Subresource, ...] = ()
    name_rule: NameRule = NameRule.DNS_SUBDOMAIN
    origin: Origin = Origin.BUILT_IN
    scale: ScalePaths | None = None
    schema: Object | None = field(default=None, repr=False)
    shape: Shape = field(default=PLAIN, repr=False)
    columns: tuple[CustomColumn, ...] = ()
    selectable_fields: tuple[str, ...] = ()
    view: View | None = None

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified_plural(self) -> str:
        """``workspaces.kaito.sh``, or plainly ``pods``, as messages name a resource."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @property
    def has_status(self) -> bool:
        return any(sub.name == "status" for sub in self.subresources)

    def subresource(self, name: str) -> Subresource | None:
        return next((sub for sub in self.subresources if sub.name == name), None)

    def present(self, stored: Object) -> Object:
        """``stored`` as this version shows it; the same object where nothing differs."""
        if self.view is not None:
            return self.view.from_storage(stored)
        if stored["apiVersion"] == self.api_version:
            return stored
        return {**stored, "apiVersion": self.api_version}

    def to_storage(self, shown: Object) -> Object:
        if self.view is not None:
            return self.view.to_storage(shown)
        if shown.get("apiVersion") == self.storage_api_version:
            return shown
        return {**shown, "apiVersion": self.storage_api_version}
