"""Every kind of fault, by its code."""

from collections.abc import Mapping
from typing import get_args

from simulator.faults.vocabulary import Fault

FAULT_KINDS: Mapping[str, type] = {kind().code: kind for kind in get_args(get_args(Fault)[0])}


def meaning(code: str) -> str:
    """The first sentence of the fault's description; "" for a code that no fault has."""
    kind = FAULT_KINDS.get(code)
    text = " ".join((kind.__doc__ or "").split()) if kind is not None else ""
    return text.partition(". ")[0].rstrip(".").replace("``", "")
