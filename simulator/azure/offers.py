"""What the region has to give: sizes, quota, capacity; and whether it is enough. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from engine.instance_types import INSTANCE_TYPES, InstanceType, find_instance_type
from simulator.azure.failures import (
    Failure,
    Object,
    Refusal,
    allocation_failed,
    quota_exceeded,
    size_not_supported,
    zonal_allocation_failed,
    zone_not_supported,
)
from simulator.azure.records import Pool, is_spot, size_of

REGIONAL = ""
"""In place of a zone: wherever in the region."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """``vcpus`` are quotas per family, ``spot_vcpus`` one for all of them.

    ``capacity`` is how many machines of a size there are in a zone, or in the whole region; where
    nothing is said there are enough. ``withheld`` sizes are not offered here. ``sells_retired``
    offers sizes beyond their retirement: examples from their time ask for them.
    """

    vcpus: Mapping[str, int] = field(default_factory=dict)
    other_vcpus: int = 2000
    regional_vcpus: int = 10_000
    spot_vcpus: int = 2000
    capacity: Mapping[tuple[str, str], int] = field(default_factory=dict)
    withheld: frozenset[str] = frozenset()
    zones: tuple[str, ...] = ("1", "2", "3")
    sells_retired: bool = False

    def family_vcpus(self, family: str) -> int:
        return self.vcpus.get(family, self.other_vcpus)

    def sizes(self, today: date) -> list[InstanceType]:
        """What may be had, quota and capacity permitting."""
        return [size for size in INSTANCE_TYPES.values() if self.offers(size, today)]

    def offers(self, size: InstanceType, today: date) -> bool:
        retired = size.retired is not None and size.retired <= today
        return (self.sells_retired or not retired) and size.name not in self.withheld


@dataclass(slots=True)
class Market:
    """What is on offer just now; a plan may change it."""

    offers: Offers


def size_refusal(
    offers: Offers, name: str, zones: Iterable[str], region: str, today: date
) -> Refusal | None:
    """Why no machine of that size may be asked for there."""
    size = find_instance_type(name)
    if size is None or not offers.offers(size, today):
        return size_not_supported(name, region)
    for zone in zones:
        if zone not in offers.zones:
            return zone_not_supported(name, zone)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """vCPUs in use; those of spot machines count against their own quota only."""

    regional: int
    spot: int
    families: Mapping[str, int]


def usage(pools: Iterable[Pool]) -> Usage:
    """Pools count with what they were asked for, failed and stopped ones too."""
    regional = spot = 0
    families: dict[str, int] = {}
    for pool in pools:
        size = pool.size
        vcpus = 0 if size.local else size.vcpus * pool.count
        if pool.is_spot:
            spot += vcpus
        else:
            regional += vcpus
            families[size.family] = families.get(size.family, 0) + vcpus
    return Usage(regional=regional, spot=spot, families=families)


def quota_refusal(
    offers: Offers, used: Usage, properties: Object, more: int, region: str
) -> Refusal | None:
    """Why so many more machines of a pool of those properties are too many."""
    size = size_of(properties)
    required = 0 if size.local else size.vcpus * more
    if is_spot(properties):
        limits = [("LowPriorityCores", offers.spot_vcpus, used.spot)]
    else:
        family = used.families.get(size.family, 0)
        limits = [
            (f"{family_name(size)} Cores", offers.family_vcpus(size.family), family),
            ("Total Regional Cores", offers.regional_vcpus, used.regional),
        ]
    for what, limit, present in limits:
        if required > 0 and present + required > limit:
            return quota_exceeded(what, region, limit=limit, usage=present, required=required)
    return None


def family_name(size: InstanceType) -> str:
    return f"standard{size.family}Family"


def place(
    offers: Offers, size: InstanceType, zones: tuple[str, ...], placed: Sequence[str]
) -> str | Failure:
    """The zone of one more machine of ``size``, or why there is no room for it.

    ``placed`` are the zones of the machines of that size; without ``zones`` wanted, any will do.
    """
    if len(placed) >= offers.capacity.get((size.name, REGIONAL), len(placed) + 1):
        return zonal_allocation_failed(size.name, zones) if zones else allocation_failed(size.name)
    if not zones:
        return REGIONAL
    for zone in sorted(zones, key=placed.count):
        room = offers.capacity.get((size.name, zone))
        if room is None or placed.count(zone) < room:
            return zone
    return zonal_allocation_failed(size.name, zones)
