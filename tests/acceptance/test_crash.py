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


@pytest.mark.parametrize("killed_in", ["Planning", "Provisioning", "Deploying", "Loading", "Ready"])
def test_killed_in_any_phase_it_carries_on_to_ready(own_moorage, own_kubectl, killed_in):
    own_moorage.start()
    own_kubectl("apply", "-f", str(EXAMPLES / "smollm2.yaml"))
    before = own_kubectl.json("get", "workspace", "smollm2")["metadata"]["uid"]
    passed = {"Planning": ("Planning", "Provisioning")}.get(killed_in, (killed_in,))
    eventually(lambda: phase(own_kubectl) in passed, seconds=60, pause=0.01)
    made = uids(own_kubectl)
    kill(own_moorage)

    own_moorage.start()
    after = own_kubectl.json("get", "workspace", "smollm2")["metadata"]["uid"]
    assert after == before
    eventually(lambda: phase(own_kubectl) == "Ready", seconds=90)
    own_kubectl("wait", "--for=condition=InferenceReady", "workspace/smollm2", "--timeout=60s")
    assert {kind: len(found) for kind, found in uids(own_kubectl).items()} == {
        "nodeclaims": 1,
        "nodes": 2,
        "statefulsets": 1,
        "pods": 1,
        "services": 3,
    }
    for kind, found in made.items():
        assert found.items() <= uids(own_kubectl)[kind].items(), f"{kind} were made again"
    own_kubectl("delete", "workspace", "smollm2", "--timeout=60s")
    assert own_kubectl.names("nodeclaims") == set()
    assert own_moorage.stop() == 0


def test_a_stopped_stack_leaves_no_process_and_comes_back(own_moorage, own_kubectl):
    own_moorage.start()
    own_kubectl("apply", "-f", str(EXAMPLES / "smollm2.yaml"))
    eventually(lambda: phase(own_kubectl) == "Ready", seconds=90)
    below = psutil.Process(own_moorage.pid).children(recursive=True)
    assert below
    assert own_moorage.stop() == 0
    assert not psutil.wait_procs(below, timeout=5)[1]
    own_moorage.start()
    eventually(lambda: phase(own_kubectl) == "Ready", seconds=90)
