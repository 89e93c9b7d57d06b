"""Karpenter's NodePools in place of node claims, as kubectl shows them."""

from collections.abc import Iterator

import pytest

from tests.acceptance.kubectl import Kubectl
from tests.acceptance.moorage_process import MoorageProcess, eventually
from tests.acceptance.provisioned import Workspaces, pools

pytestmark = pytest.mark.timeout(300)

A10 = "Standard_NV36ads_A10_v5"


@pytest.fixture(scope="module")
def moorage(tmp_path_factory) -> Iterator[MoorageProcess]:
    options = ("--provisioner=nodepool",)
    with MoorageProcess(tmp_path_factory.mktemp("moorage"), delays=0.1, options=options) as process:
        process.start()
        yield process


@pytest.fixture
def kubectl(moorage, tmp_path) -> Kubectl:
    return Kubectl(moorage.kubeconfig, tmp_path / "kubectl")


@pytest.fixture
def workspaces(kubectl) -> Workspaces:
    return Workspaces(kubectl)


def test_one_pool_of_kaitos_shape_leads_to_ready_and_goes_with_its_workspace(
    moorage, kubectl, workspaces
):
    name = workspaces.make("a", A10, preset="phi-4")
    status = workspaces.until(name, "Ready")
    pool = kubectl.json("get", "nodepool", "default-a")
    spec, template = pool["spec"], pool["spec"]["template"]["spec"]
    assert spec["replicas"] == status["targetNodeCount"] == 2
    assert spec["disruption"] == {
        "consolidateAfter": "0s",
        "budgets": [{"nodes": "1", "reasons": ["Drifted"]}],
    }
    assert template["requirements"] == [
        {"key": "node.kubernetes.io/instance-type", "operator": "In", "values": [A10]},
        {"key": "karpenter.azure.com/placement-scope", "operator": "In", "values": ["regional"]},
    ]
    assert template["taints"] == [{"key": "sku", "value": "gpu", "effect": "NoSchedule"}]
    assert template["nodeClassRef"]["kind"] == "AKSNodeClass"
    assert {
        one["metadata"]["labels"]["karpenter.sh/nodepool"] for one in workspaces.claims(name)
    } == {"default-a"}
    assert len(status["workerNodes"]) == len(workspaces.claims(name)) == 2
    assert set(pools(moorage)) <= {"system"}
    assert workspaces.condition(name, "NodeClaimReady")["status"] == "True"
    kubectl("delete", "workspace", name, "--timeout=90s")
    assert not kubectl.items("nodepools")
    assert not workspaces.claims(name)
    assert not kubectl.items("nodes", "-l", f"kaito.sh/workspace={name}")


def test_a_pool_that_somebody_scales_is_as_planned_again(kubectl, workspaces):
    name = workspaces.make("scaled", A10)
    workspaces.until(name, "Ready")
    kubectl("scale", "nodepool", "default-scaled", "--replicas=2")

    def as_planned() -> bool:
        return kubectl.json("get", "nodepool", "default-scaled")["spec"]["replicas"] == 1

    eventually(as_planned, seconds=60)
    eventually(lambda: len(workspaces.claims(name)) == 1, seconds=60)
    kubectl("delete", "workspace", name, "--timeout=90s")


def test_a_name_that_is_too_long_is_cut_to_what_a_label_holds(kubectl, workspaces):
    name = workspaces.make("w" * 62, A10)
    (pool,) = eventually(lambda: kubectl.items("nodepools"), seconds=60)
    found = pool["metadata"]["name"]
    assert found.startswith("default-www")
    assert len(found) == 63
    kubectl("delete", "workspace", name, "--timeout=90s")
    assert not kubectl.items("nodepools")
