"""``metadata.managedFields``: who owns which fields of an object, since when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from simulator.clock import rfc3339
from simulator.kubernetes.field_sets import NOTHING, Fields, decode, encode
from simulator.kubernetes.status import Object


class Operation(StrEnum):
    APPLY = "Apply"
    UPDATE = "Update"


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """One who writes: a manager by one operation, at one subresource, in one API version."""

    manager: str
    operation: Operation
    api_version: str
    subresource: str = ""

    def __str__(self) -> str:
        """As conflicts name it."""
        where = f' with subresource "{self.subresource}"' if self.subresource else ""
        version = f" using {self.api_version}" if self.operation is Operation.UPDATE else ""
        return f'"{self.manager}"{where}{version}'


class Ownership:
    """What one owner owns, and when that last changed (RFC 3339).

    Most writes touch few owners, so that the one form is made of the other only where it is asked.
    """

    def __init__(
        self, *, time: str, fields: Fields | None = None, tree: Object | None = None
    ) -> None:
        self.time = time
        self._fields = fields
        self._tree = tree

    @property
    def fields(self) -> Fields:
        if self._fields is None:
            self._fields = decode(self._tree or {})
        return self._fields

    @property
    def tree(self) -> Object:
        """FieldsV1."""
        if self._tree is None:
            self._tree = encode(self._fields or NOTHING)
        return self._tree

    def shares(self, fields: Fields, roots: frozenset[str]) -> bool:
        """Whether it owns any of the fields, which lie below ``roots``."""
        return not roots.isdisjoint(self.tree) and not self.fields.isdisjoint(fields)


Owners = dict[Owner, Ownership]

# What the API server itself writes belongs to nobody (apimachinery, managedfields/stripmeta.go).
UNOWNED: Fields = frozenset(
    [
        ("f:apiVersion",),
        ("f:kind",),
        ("f:metadata",),
        *(
            ("f:metadata", f"f:{name}")
            for name in (
                "clusterName",
                "creationTimestamp",
                "generation",
                "managedFields",
                "name",
                "namespace",
                "resourceVersion",
                "selfLink",
                "uid",
            )
        ),
    ]
)


def read(obj: Object) -> Owners:
    """The object's owners; entries that are not FieldsV1 are left out."""
    owners: Owners = {}
    for entry in obj.get("metadata", {}).get("managedFields") or []:
        if entry.get("operation") in list(Operation) and isinstance(entry.get("fieldsV1"), dict):
            owner = Owner(
                manager=entry.get("manager", ""),
                operation=Operation(entry["operation"]),
                api_version=entry.get("apiVersion", ""),
                subresource=entry.get("subresource", ""),
            )
            owners[owner] = Ownership(tree=entry["fieldsV1"], time=entry.get("time", ""))
    return owners


def with_owners(obj: Object, owners: Owners) -> Object:
    """The object with these owners written down; it shares all else."""
    metadata = {
        name: value for name, value in obj.get("metadata", {}).items() if name != "managedFields"
    }
    entries = [_entry(owner, owned) for owner, owned in owners.items() if owned.tree]
    if entries:
        metadata["managedFields"] = sorted(entries, key=_order)
    return {**obj, "metadata": metadata}


def _entry(owner: Owner, owned: Ownership) -> Object:
    entry = {
        "apiVersion": owner.api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": owned.tree,
        "manager": owner.manager,
        "operation": str(owner.operation),
        "time": owned.time,
    }
    if owner.subresource:
        entry["subresource"] = owner.subresource
    return entry


def _order(entry: Object) -> tuple[str, str, str, str]:
    return entry["operation"], entry["time"], entry["manager"], entry.get("subresource", "")


def give(owners: Owners, owner: Owner, fields: Fields, now: datetime) -> Owners:
    """``owner`` owns exactly ``fields``; the time moves only where that is news."""
    before = owners.get(owner)
    if before is not None and before.fields == fields:
        return owners
    return {**owners, owner: Ownership(fields=fields, time=rfc3339(now))}


def take(owners: Owners, fields: Fields, *, spare: Owner | None = None) -> Owners:
    """Nobody but ``spare`` owns ``fields`` any more."""
    roots = frozenset(path[0] for path in fields)
    return {
        owner: Ownership(fields=owned.fields - fields, time=owned.time)
        if owner != spare and owned.shares(fields, roots)
        else owned
        for owner, owned in owners.items()
    }


def owned_by(owners: Iterable[Ownership]) -> Fields:
    return NOTHING.union(*(owned.fields for owned in owners))
