"""Phases in colour."""

from collections.abc import Mapping

from rich.text import Text

from engine.nodes.phase import NodePhase
from engine.phase import Phase

STYLES: Mapping[str, str] = {
    Phase.PENDING: "dim",
    Phase.PLANNING: "cyan",
    Phase.PROVISIONING: "blue",
    Phase.DEPLOYING: "blue",
    Phase.LOADING: "magenta",
    Phase.READY: "bold green",
    Phase.DEGRADED: "bold yellow",
    Phase.UPDATING: "yellow",
    Phase.FAILED: "bold red",
    Phase.DELETING: "dim red",
    NodePhase.REQUESTED: "dim",
    NodePhase.LAUNCHING: "blue",
    NodePhase.REGISTERING: "blue",
    NodePhase.INITIALIZING: "magenta",
    NodePhase.UNHEALTHY: "bold yellow",
    NodePhase.DRAINING: "dim red",
    NodePhase.TERMINATING: "dim red",
}
"""Of workspaces and of node claims; they share Ready and Failed."""


def phase_text(phase: str) -> Text:
    """A phase this version does not know, from a newer server, is shown plain."""
    return Text(phase, style=STYLES.get(phase, ""))
