"""``moorage check`` against a Kubernetes API over HTTP."""

import asyncio
import json
import threading
from datetime import UTC, datetime
from itertools import count

import pytest
from typer.testing import CliRunner

from moorage.cli import app
from moorage.definitions import definitions
from simulator.clock import SystemClock
from simulator.kubeconfig import write_kubeconfig
from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.http_door import HttpDoor
from simulator.kubernetes.services import ServiceNetwork

WORKSPACE = {
    "apiVersion": "kaito.sh/v1beta1",
    "kind": "Workspace",
    "metadata": {"name": "w0", "namespace": "default"},
    "resource": {"instanceType": "Standard_NC24ads_A100_v4", "labelSelector": {"matchLabels": {}}},
    "inference": {"preset": {"name": "phi-3-mini-128k-instruct"}},
}


@pytest.fixture
def api_server():
    """Serves on a loop and a thread of its own; ``url`` is where."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def do(work):
        return asyncio.run_coroutine_threadsafe(work, loop).result(timeout=10)

    async def started():
        numbers = count(1)
        server = ApiServer(
            clock=SystemClock(),
            new_uid=lambda: f"uid-{next(numbers)}",
            database=None,
            service_addresses=ServiceNetwork("127.64.255.0/24"),
        )
        door = HttpDoor(server)
        return server, door, await door.start()

    server, door, url = do(started())
    server.url = url

    async def on_its_loop(call, *arguments):
        return call(*arguments)

    server.do = lambda call, *arguments: do(on_its_loop(call, *arguments))
    yield server
    do(door.stop())
    server.do(server.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
def check(api_server, tmp_path):
    """Runs the command with the server's kubeconfig in the state directory."""
    write_kubeconfig(tmp_path / "kubeconfig", api_server.url)

    def run(*arguments):
        given = ["check", "--state-dir", str(tmp_path), "--patience", "0", *arguments]
        return CliRunner().invoke(app, given, env={"KUBECONFIG": None, "NO_COLOR": "1"})

    return run


@pytest.fixture
def stored(api_server):
    """Stores the workspace with a status."""

    def store(**status):
        for definition in definitions():
            api_server.do(api_server.create, definition)
        made = api_server.do(api_server.create, WORKSPACE)
        now = datetime.now(UTC).isoformat()
        whole = {"phaseSince": now, "reason": "Serving", "message": "it serves", **status}
        api_server.do(api_server.update_status, {**made, "status": whole})

    return store


def passage(source, destination):
    now = datetime.now(UTC).isoformat()
    return {"from": source, "to": destination, "at": now, "reason": "Serving", "message": "so"}


def test_a_cluster_that_knows_no_workspaces_is_not_judged(check):
    result = check()
    assert result.exit_code == 0, result.output
    assert "there are no workspaces" in result.stdout
    assert "holds" not in result.stdout


def test_a_sound_workspace_holds(check, stored):
    stored(phase="Planning", waitingFor="a plan", deadline="2999-01-01T00:00:00Z", history=[
        passage("Pending", "Planning"),
    ])  # fmt: skip
    result = check()
    assert result.exit_code == 0, result.output
    assert "S6         holds        legal transitions" in result.stdout


def test_a_violation_is_shown_first_and_exits_with_1(check, stored):
    stored(phase="Ready", history=[passage("Pending", "Ready")])
    result = check()
    assert result.exit_code == 1
    line = result.stdout.splitlines()[1]
    assert line.startswith("S6         violated     legal transitions")
    assert "the table has no way from Pending to Ready, and yet it was taken" in line
    assert result.stderr.splitlines()[-1] == "error: violated: S6"
    assert "looking again" in result.stderr


def test_json_has_a_verdict_for_every_property(check, stored):
    stored(phase="Ready", history=[passage("Pending", "Ready")])
    told = {one["property"]: one for one in json.loads(check("-o", "json").stdout)}
    assert told["S6"]["verdict"] == "violated"
    assert told["S6"]["violations"][0]["subject"] == "default/w0"
    assert told["Q1"]["verdict"] == "not judged"
    assert told["Q1"]["whyNot"]


def test_without_any_cluster_it_says_how_to_get_one(tmp_path):
    result = CliRunner().invoke(
        app, ["check", "--state-dir", str(tmp_path)], env={"KUBECONFIG": None}
    )
    assert result.exit_code == 4
    assert "moorage up" in result.stderr


def test_a_kubeconfig_that_is_none_is_bad_usage(tmp_path):
    (tmp_path / "config").write_text("clusters: 3")
    for path in ("config", "missing"):
        given = ["check", "--kubeconfig", str(tmp_path / path)]
        assert CliRunner().invoke(app, given).exit_code == 2


def test_a_cluster_that_does_not_answer_exits_with_4(tmp_path, unused_tcp_port):
    write_kubeconfig(tmp_path / "kubeconfig", f"http://127.0.0.1:{unused_tcp_port}")
    given = ["check", "--kubeconfig", str(tmp_path / "kubeconfig")]
    assert CliRunner().invoke(app, given).exit_code == 4
