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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """What one owner owns, and when that last changed (RFC 3339)."""

    fields: Fields
    time: str


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
            owners[owner] = Ownership(fields=decode(entry["fieldsV1"]), time=entry.get("time", ""))
    return owners


def with_owners(obj: Object, owners: Owners) -> Object:
    """The object with these owners written down; it shares all else."""
    metadata = {
        name: value for name, value in obj.get("metadata", {}).items() if name != "managedFields"
    }
    entries = [_entry(owner, owned) for owner, owned in owners.items() if owned.fields]
    if entries:
        metadata["managedFields"] = sorted(entries, key=_order)
    return {**obj, "metadata": metadata}


def _entry(owner: Owner, owned: Ownership) -> Object:
    entry = {
        "apiVersion": owner.api_version,
        "fieldsType": "FieldsV1",
        "fieldsV1": encode(owned.fields),
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
    return {
        owner: owned
        if owner == spare or not owned.fields & fields
        else Ownership(fields=owned.fields - fields, time=owned.time)
        for owner, owned in owners.items()
    }


def owned_by(owners: Iterable[Ownership]) -> Fields:
    return NOTHING.union(*(owned.fields for owned in owners))
