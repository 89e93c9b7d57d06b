"""Finds the gRPC server that a command talks to."""

from pathlib import Path

from moorage.failure import ExitCode, Failure
from moorage.state_directory import default_state_directory, read_endpoints


class NoServer(Failure):
    """Nothing was ever started on the state directory."""

    def __init__(self, directory: Path) -> None:
        super().__init__(
            f"no server found: nothing has been started on {directory}",
            details=["start one with `moorage up`, or name one with --server HOST:PORT"],
            exit_code=ExitCode.UNREACHABLE,
        )


def server_address(server: str | None, state_directory: Path | None) -> str:
    """``server`` if given, else the one announced in the state directory. Raises NoServer."""
    if server:
        return server
    directory = state_directory or default_state_directory()
    endpoints = read_endpoints(directory) or {}
    if "grpc" not in endpoints:
        raise NoServer(directory)
    return endpoints["grpc"]
