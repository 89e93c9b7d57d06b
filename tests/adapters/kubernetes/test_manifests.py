"""The objects of a workspace, as KAITO's users and provisioners know them."""

from dataclasses import replace

from adapters.kubernetes.manifests import Images, node_claim, stateful_set
from engine.capacity_type import CapacityType
from engine.phase import Phase
from tests.engine.scenes import PHI_3, workspace

OF = workspace(Phase.PROVISIONING, PHI_3)
SPOT = replace(OF.machine.plan, capacity_type=CapacityType.SPOT)
SPOT_TAINT = "kubernetes.azure.com/scalesetpriority"


def required(claim: dict) -> dict[str, list[str]]:
    return {item["key"]: item["values"] for item in claim["spec"]["requirements"]}


def tolerated(plan) -> set[str]:
    pod = stateful_set(OF, plan, "r", Images())["spec"]["template"]["spec"]
    return {toleration["key"] for toleration in pod["tolerations"]}


def test_spot_is_asked_for_only_where_it_is_meant():
    assert required(node_claim(OF, "ws1", SPOT))["karpenter.sh/capacity-type"] == ["spot"]
    assert "karpenter.sh/capacity-type" not in required(node_claim(OF, "ws1", OF.machine.plan))


def test_pods_bear_the_taint_of_spot_nodes_only_where_they_run_on_them():
    assert SPOT_TAINT in tolerated(SPOT)
    assert SPOT_TAINT not in tolerated(OF.machine.plan)
