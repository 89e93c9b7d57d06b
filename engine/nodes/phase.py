"""Where a node claim's machine stands."""

from enum import StrEnum


class NodePhase(StrEnum):
    REQUESTED = "Requested"
    LAUNCHING = "Launching"
    REGISTERING = "Registering"
    INITIALIZING = "Initializing"
    READY = "Ready"
    UNHEALTHY = "Unhealthy"
    FAILED = "Failed"
    DRAINING = "Draining"
    TERMINATING = "Terminating"


RESTING = frozenset({NodePhase.READY, NodePhase.FAILED})
"""Phases that wait for nothing; every other one has a deadline."""
