"""What people and scripts are told when a command cannot do its work."""

import pytest
from typer.testing import CliRunner

from moorage.cli import app


def _run(*arguments, **environment):
    variables = {"MOORAGE_SERVER": None, "MOORAGE_STATE_DIR": None, **environment}
    return CliRunner().invoke(app, list(arguments), env=variables)


def test_without_a_server_the_exit_code_is_4_and_the_way_out_is_named(tmp_path):
    result = _run("get", "--state-dir", str(tmp_path))
    assert result.exit_code == 4
    assert "nothing has been started on" in result.stderr
    assert "moorage up" in result.stderr


def test_a_server_that_does_not_answer_exits_with_4(unused_tcp_port):
    result = _run("get", MOORAGE_SERVER=f"127.0.0.1:{unused_tcp_port}")
    assert result.exit_code == 4
    assert f"nothing answers at 127.0.0.1:{unused_tcp_port}" in result.stderr


def test_the_state_directory_says_where_the_server_is(tmp_path, served):
    (tmp_path / "endpoints.json").write_text(f'{{"grpc": "{served.address}"}}')
    assert _run("get", "--state-dir", str(tmp_path)).exit_code == 0
    assert _run("get", MOORAGE_STATE_DIR=str(tmp_path)).exit_code == 0


def test_a_named_server_wins_over_the_state_directory(tmp_path, served):
    (tmp_path / "endpoints.json").write_text('{"grpc": "127.0.0.1:1"}')
    result = _run("get", "--state-dir", str(tmp_path), "--server", served.address)
    assert result.exit_code == 0, result.stderr


def test_damaged_endpoints_are_told_as_such(tmp_path):
    (tmp_path / "endpoints.json").write_text("{")
    result = _run("get", "--state-dir", str(tmp_path))
    assert result.exit_code == 1
    assert "is damaged" in result.stderr


@pytest.mark.parametrize("arguments", [["frobnicate"], ["get", "--frob"], ["apply"]])
def test_a_wrong_command_line_exits_with_2(arguments):
    assert _run(*arguments).exit_code == 2
