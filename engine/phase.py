"""Where a workspace's machine stands."""

from enum import StrEnum


class Phase(StrEnum):
    """*Phase* is the engine's word; the API's is *state*, gRPC's is *status*."""

    PENDING = "Pending"
    PLANNING = "Planning"
    PROVISIONING = "Provisioning"
    DEPLOYING = "Deploying"
    LOADING = "Loading"
    READY = "Ready"
    DEGRADED = "Degraded"
    UPDATING = "Updating"
    FAILED = "Failed"
    DELETING = "Deleting"


RESTING = frozenset({Phase.READY, Phase.FAILED})
"""Phases that wait for nothing; every other one has a deadline."""

CLAIMING = frozenset(
    {
        Phase.PROVISIONING,
        Phase.DEPLOYING,
        Phase.LOADING,
        Phase.READY,
        Phase.DEGRADED,
        Phase.UPDATING,
    }
)
"""Phases that ask for nodes, and keep those they have."""
