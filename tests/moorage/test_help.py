"""``--help`` is quick because it imports next to nothing."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from moorage.cli import app

HEAVY = ("grpc", "rich.table", "kubernetes", "aiohttp", "yaml", "google.protobuf", "transitions")
COMMANDS = (
    *("up", "demo", "apply", "get", "watch", "explain", "plan", "delete", "retry", "chat", "bench"),
    *("presets", "instance-types", "diagram", "simulate", "check", "models"),
)


def test_help_names_every_command():
    listed = CliRunner().invoke(app, ["--help"]).stdout
    for command in COMMANDS:
        assert f"\n  {command} " in listed


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command):
    assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0


def test_the_command_line_loads_no_heavy_module():
    script = "import sys, moorage.cli; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30
    ).stdout.split()
    assert not set(HEAVY) & set(loaded)
