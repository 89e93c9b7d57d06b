"""How a machine is paid for."""

from enum import StrEnum


class CapacityType(StrEnum):
    """Karpenter's words (label ``karpenter.sh/capacity-type``); spot may be taken away any time."""

    ON_DEMAND = "on-demand"
    SPOT = "spot"
