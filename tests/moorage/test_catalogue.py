"""``presets``, ``instance-types`` and ``diagram``."""

import json

import pytest
from typer.testing import CliRunner

from engine.instance_types import INSTANCE_TYPES
from engine.presets import PRESETS
from moorage.cli import app
from moorage.diagram import NODE_CLAIM, phase_diagram


@pytest.mark.parametrize(
    ("command", "known"), [("presets", PRESETS), ("instance-types", INSTANCE_TYPES)]
)
def test_a_catalogue_as_json_is_a_list_of_objects_under_plain_names(cli, command, known):
    listed = json.loads(cli(command, "-o", "json").stdout)
    assert {entry["name"] for entry in listed} == set(known)


def test_an_instance_type_says_when_it_was_retired(cli):
    lines = cli("instance-types").stdout.splitlines()
    (row,) = (line for line in lines if line.startswith("Standard_NC6s_v3"))
    assert row.rstrip().endswith("2025-09-30")


def test_without_any_server_the_installation_s_own_catalogue_is_shown(tmp_path):
    arguments = ["presets", "--state-dir", str(tmp_path)]
    result = CliRunner().invoke(app, arguments, env={"MOORAGE_SERVER": None})
    assert result.exit_code == 0
    assert "smollm2-135m-instruct" in result.stdout
    assert "no server was started" in result.stderr


def test_a_named_server_that_does_not_answer_is_not_replaced(unused_tcp_port):
    arguments = ["presets", "--server", f"127.0.0.1:{unused_tcp_port}"]
    assert CliRunner().invoke(app, arguments).exit_code == 4


def test_diagram_prints_the_table_as_mermaid():
    assert CliRunner().invoke(app, ["diagram"]).stdout.strip() == phase_diagram()
    of_claims = CliRunner().invoke(app, ["diagram", "node-claim"]).stdout.strip()
    assert of_claims == phase_diagram(NODE_CLAIM)
