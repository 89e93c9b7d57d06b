"""Resource quantities such as ``100m``, ``16Gi`` and ``2``, and sums of them."""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal

Resources = Mapping[str, Decimal]

_SCALES = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    **{suffix: Decimal(10) ** (3 * power) for power, suffix in enumerate("kMGTPE", start=1)},
    **{f"{suffix}i": Decimal(2) ** (10 * power) for power, suffix in enumerate("KMGTPE", start=1)},
}
_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([A-Za-z]{0,2})")


def parse(quantity: str | float) -> Decimal:
    """Raises ValueError where ``quantity`` is not a Kubernetes quantity."""
    found = _QUANTITY.fullmatch(str(quantity))
    if found is None or found[2] not in _SCALES:
        raise ValueError(f"{quantity!r} is not a quantity such as 500m, 2 or 16Gi")
    return Decimal(found[1]) * _SCALES[found[2]]


def parse_all(resources: Mapping[str, str | float]) -> Resources:
    return {name: parse(quantity) for name, quantity in resources.items()}


def total(many: Iterable[Resources]) -> Resources:
    result: dict[str, Decimal] = {}
    for resources in many:
        for name, amount in resources.items():
            result[name] = result.get(name, Decimal(0)) + amount
    return result


def largest(many: Iterable[Resources]) -> Resources:
    result: dict[str, Decimal] = {}
    for resources in many:
        for name, amount in resources.items():
            result[name] = max(result.get(name, amount), amount)
    return result
