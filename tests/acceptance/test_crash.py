"""Killed at any phase, Moorage carries on: nothing lost, nothing doubled, no orphan."""

import psutil
import pytest

from tests.acceptance.conftest import EXAMPLES, needs_triton
from tests.acceptance.kubectl import Kubectl
from tests.acceptance.moorage_process import MoorageProcess, eventually

pytestmark = [needs_triton, pytest.mark.timeout(240)]

COUNTED = ("nodeclaims", "nodes", "statefulsets", "pods", "services")


def phase(kubectl: Kubectl) -> str:
    return kubectl("get", "workspace", "smollm2", "-o", "jsonpath={.status.phase}")


def uids(kubectl: Kubectl) -> dict[str, dict[str, str]]:
    return {
        kind: {item["metadata"]["name"]: item["metadata"]["uid"] for item in kubectl.items(kind)}
        for kind in COUNTED
    }


def kill(moorage: MoorageProcess) -> None:
    """kill -9; whatever ran below it must end by itself."""
    below = moorage.kill()
    _, alive = psutil.wait_procs(below, timeout=15)
    assert not alive, f"left behind: {[process.cmdline() for process in alive]}"


@pytest.fixture(scope="module")
def crashing(tmp_path_factory):
    """One stack for all kills, slow enough to be caught in each phase."""
    with MoorageProcess(tmp_path_factory.mktemp("crashing"), delays=0.5) as moorage:
        moorage.start()
        yield moorage, Kubectl(moorage.kubeconfig, tmp_path_factory.mktemp("kubectl"))


@pytest.mark.parametrize("killed_in", ["Planning", "Provisioning", "Deploying", "Loading", "Ready"])
def test_killed_in_any_phase_it_carries_on_to_ready(crashing, killed_in):
    moorage, kubectl = crashing
    kubectl("apply", "-f", str(EXAMPLES / "smollm2.yaml"))
    workspace = kubectl.json("get", "workspace", "smollm2")["metadata"]["uid"]
    # Planning lasts milliseconds: by the time kubectl has told it, it may be over.
    passed = {"Planning": ("Pending", "Planning", "Provisioning")}.get(killed_in, (killed_in,))
    eventually(lambda: phase(kubectl) in passed, seconds=60, pause=0.01)
    made = uids(kubectl)
    kill(moorage)

    moorage.start()
    assert kubectl.json("get", "workspace", "smollm2")["metadata"]["uid"] == workspace
    eventually(lambda: phase(kubectl) == "Ready", seconds=90)
    kubectl("wait", "--for=condition=Ready", "pod/smollm2-0", "--timeout=90s")
    eventually(lambda: phase(kubectl) == "Ready", seconds=15)
    now = uids(kubectl)
    for kind, found in made.items():
        assert found.items() <= now[kind].items(), f"{kind} were made again"
    assert {kind: len(found) for kind, found in now.items()} == {
        "nodeclaims": 1,
        "nodes": 2,
        "statefulsets": 1,
        "pods": 1,
        "services": 3,
    }
    kubectl("delete", "workspace", "smollm2", "--timeout=60s")
    assert kubectl.names("nodeclaims") == set()


def test_a_stopped_stack_leaves_no_process_and_comes_back(crashing):
    moorage, kubectl = crashing
    kubectl("apply", "-f", str(EXAMPLES / "smollm2.yaml"))
    eventually(lambda: phase(kubectl) == "Ready", seconds=90)
    below = psutil.Process(moorage.pid).children(recursive=True)
    assert below
    assert moorage.stop() == 0
    assert not psutil.wait_procs(below, timeout=5)[1]
    moorage.start()
    assert phase(kubectl)
