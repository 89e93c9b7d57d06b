"""Phases in colour."""

from rich.text import Text

from engine.phase import Phase

STYLES = {
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
}


def phase_text(phase: str) -> Text:
    """A phase this version does not know, from a newer server, is shown plain."""
    known = phase in set(Phase)
    return Text(phase, style=STYLES[Phase(phase)] if known else "")
