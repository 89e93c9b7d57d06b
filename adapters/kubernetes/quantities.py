"""Kubernetes' quantities, as far as disks are told in them."""

import re

_UNITS = {
    "": 1,
    "k": 10**3,
    "M": 10**6,
    "G": 10**9,
    "T": 10**12,
    "Ki": 2**10,
    "Mi": 2**20,
    "Gi": 2**30,
    "Ti": 2**40,
}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(|[kMGT]|[KMGT]i)")


def gibibytes(quantity: str) -> int:
    """Whole GiB, rounded down; 0 for what is no size (``resource.Quantity``'s grammar)."""
    match = _QUANTITY.fullmatch(quantity)
    return 0 if match is None else int(float(match[1]) * _UNITS[match[2]] / 2**30)
