"""A workspace whose node is asked for as a Machine, the API that came before NodeClaim."""

import json
from collections.abc import Iterator

import pytest

from tests.acceptance.kubectl import Kubectl
from tests.acceptance.moorage_process import MoorageProcess, eventually

pytestmark = pytest.mark.timeout(300)

WORKSPACE = {
    "apiVersion": "kaito.sh/v1alpha1",
    "kind": "Workspace",
    "metadata": {"name": "older"},
    "resource": {
        "instanceType": "Standard_NC4as_T4_v3",
        "labelSelector": {"matchLabels": {"apps": "older"}},
    },
    "inference": {"preset": {"name": "phi-3-mini-4k-instruct"}},
}


@pytest.fixture
def kubectl(tmp_path) -> Iterator[Kubectl]:
    options = ("--node-api=machine",)
    with MoorageProcess(tmp_path / "state", delays=0.1, options=options) as process:
        process.start()
        yield Kubectl(process.kubeconfig, tmp_path / "kubectl")


def test_a_machine_is_made_for_a_workspace_told_in_its_own_words_and_deleted(kubectl):
    kubectl("apply", "-f", "-", stdin=json.dumps(WORKSPACE))
    row = eventually(lambda: _ready_row(kubectl), seconds=90)
    (machine,) = kubectl.items("machines")
    told = {one["type"]: one["status"] for one in machine["status"]["conditions"]}
    assert told == dict.fromkeys(
        ("MachineLaunched", "MachineRegistered", "MachineInitialized", "Ready"), "True"
    )
    heading = kubectl("get", "machines").splitlines()[0].split()
    assert row[heading.index("READY")] == "True"
    node = kubectl.json("get", "node", row[heading.index("NODE")])
    assert node["metadata"]["labels"]["karpenter.sh/provisioner-name"] == "default"
    assert "Ready" in kubectl("events", "--for", f"machine/{machine['metadata']['name']}")
    assert not kubectl.items("nodeclaims")
    kubectl("delete", "workspace", "older", "--timeout=90s")
    assert not kubectl.items("machines")


def _ready_row(kubectl: Kubectl) -> list[str]:
    """What kubectl shows of the machine, once its workspace is ready."""
    phase = kubectl.json("get", "workspace", "older").get("status", {}).get("phase")
    return kubectl("get", "machines", "--no-headers").split() if phase == "Ready" else []
