"""Nodes for workspaces, as kubectl shows them: claims, conditions, quota, losses."""

import json
from collections.abc import Iterator

import pytest

from tests.acceptance.kubectl import Kubectl
from tests.acceptance.moorage_process import MoorageProcess, eventually
from tests.acceptance.provisioned import Workspaces, agent_pool

pytestmark = pytest.mark.timeout(300)

T4, A100, A10 = "Standard_NC4as_T4_v3", "Standard_NC24ads_A100_v4", "Standard_NV36ads_A10_v5"

REFUSE_CLAIMS = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-claims}
spec:
  matchConstraints:
    resourceRules:
      - apiGroups: [karpenter.sh]
        apiVersions: ["*"]
        operations: [CREATE]
        resources: [nodeclaims]
  validations: [{expression: "false", message: "no claims today"}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-claims}
spec: {policyName: no-claims, validationActions: [Deny]}
"""


@pytest.fixture(scope="module")
def moorage(tmp_path_factory) -> Iterator[MoorageProcess]:
    """Without quota for A100, and with none for spot machines."""
    quota = ("--quota=NCADSA100v4=0", "--quota=spot=0")
    with MoorageProcess(tmp_path_factory.mktemp("moorage"), delays=0.1, options=quota) as process:
        process.start()
        yield process


def own_node(moorage: MoorageProcess, kubectl: Kubectl, pool: str, size: str, **labels: str) -> str:
    """The name of a node of the user's own, in a pool that Moorage knows nothing of."""
    properties = {"vmSize": size, "count": 1, "mode": "User", "nodeLabels": labels}
    agent_pool(moorage, pool, "PUT", {"properties": properties})

    def ready() -> list[str]:
        return [
            node["metadata"]["name"]
            for node in kubectl.items("nodes", "-l", f"agentpool={pool}")
            if "nvidia.com/gpu" in node["status"].get("allocatable", {})
            and any(
                (one["type"], one["status"]) == ("Ready", "True")
                for one in node["status"].get("conditions", ())
            )
        ]

    (name,) = eventually(ready, seconds=60)
    return name


def workspace_of(kubectl: Kubectl, node: str) -> str:
    labels: dict[str, str] = kubectl.json("get", "node", node)["metadata"]["labels"]
    return labels.get("kaito.sh/workspace", "")


@pytest.fixture(scope="module")
def kubectl(moorage, tmp_path_factory) -> Kubectl:
    return Kubectl(moorage.kubeconfig, tmp_path_factory.mktemp("kubectl"))


@pytest.fixture
def workspaces(kubectl) -> Iterator[Workspaces]:
    made = Workspaces(kubectl)
    yield made
    for name in made.made:
        kubectl("delete", "workspace", name, "--timeout=90s")
        assert not made.claims(name)


def test_one_claim_of_kaitos_shape_leads_to_every_condition(kubectl, workspaces):
    name = workspaces.make("whole", T4)
    status = workspaces.until(name, "Ready")
    (claim,) = workspaces.claims(name)
    assert claim["metadata"]["name"].startswith("ws")
    assert len(claim["metadata"]["name"]) == 11
    assert claim["metadata"]["labels"]["karpenter.sh/nodepool"] == "kaito"
    assert claim["metadata"]["annotations"]["karpenter.sh/do-not-disrupt"] == "true"
    assert claim["spec"]["resources"]["requests"]["storage"] == "87Gi"
    assert {"key": "karpenter.azure.com/sku-name", "operator": "In", "values": [T4]} in claim[
        "spec"
    ]["requirements"]
    assert (status["targetNodeCount"], status["state"]) == (1, "Ready")
    told = {one["type"]: one for one in status["conditions"]}
    order = (
        "NodeClaimReady",
        "NodesReady",
        "ResourceReady",
        "InferenceReady",
        "WorkspaceSucceeded",
    )
    assert {told[kind]["status"] for kind in order} == {"True"}
    instants = [told[kind]["lastTransitionTime"] for kind in order]
    assert instants == sorted(instants)
    assert kubectl("get", "workspace", name, "--no-headers").split()[1:4] == [T4, "True", "True"]


def test_what_is_over_quota_fails_with_the_clouds_reason_and_leaves_no_claim(workspaces):
    name = workspaces.make("poor", A100)
    status = workspaces.until(name, "Failed")
    assert status["reason"] == "NodeClaimRefused"
    assert "SubscriptionQuotaReached" in status["message"]
    for kind in ("NodeClaimReady", "ResourceReady"):
        told = workspaces.condition(name, kind)
        assert (told["status"], told["reason"]) == ("False", "SubscriptionQuotaReached")
    eventually(lambda: not workspaces.claims(name), seconds=60)


def test_where_one_kind_cannot_be_had_the_next_serves_and_all_of_it_is_told(kubectl, workspaces):
    name = workspaces.make(
        "flexible",
        A100,
        fallback_instance_types=f"{A10}, {T4}",
        capacity_types="spot, on-demand",
    )
    status = workspaces.until(name, "Ready")
    assert (status["plan"]["instanceType"], status["plan"]["capacityType"]) == (A10, "on-demand")
    refused = [
        (one["instanceType"], one["capacityType"], one["reason"])
        for one in status["refusedOfferings"]
    ]
    assert refused == [
        (A100, "spot", "SpotQuotaReached"),
        (A100, "on-demand", "SubscriptionQuotaReached"),
        (A10, "spot", "SpotQuotaReached"),
    ]
    passages = [one for one in status["history"] if one["reason"] == "OfferingRefused"]
    assert len(passages) == len(refused)
    eventually(lambda: len(workspaces.claims(name)) == 1, seconds=60)
    (node,) = status["workerNodes"]
    labels = kubectl.json("get", "node", node)["metadata"]["labels"]
    assert labels["node.kubernetes.io/instance-type"] == A10


def test_a_claim_that_cannot_be_made_is_told_as_kaito_tells_it_and_tried_again(kubectl, workspaces):
    kubectl("apply", "-f", "-", stdin=REFUSE_CLAIMS)
    try:
        name = workspaces.make("patient", T4)
        eventually(
            lambda: "NodeClaimCreationFailed" in kubectl("events", "--for", f"workspace/{name}"),
            seconds=60,
        )
        assert "no claims today" in workspaces.status(name)["message"]
    finally:
        kubectl("delete", "-f", "-", stdin=REFUSE_CLAIMS)
    workspaces.until(name, "Ready")


def test_a_claim_that_somebody_deletes_is_replaced_under_another_name(kubectl, workspaces):
    name = workspaces.make("robbed", T4)
    workspaces.until(name, "Ready")
    (lost,) = (claim["metadata"]["name"] for claim in workspaces.claims(name))
    kubectl("delete", "nodeclaim", lost, "--wait=false")
    eventually(lambda: workspaces.status(name)["phase"] != "Ready", seconds=30)
    status = workspaces.until(name, "Ready")
    (claim,) = workspaces.claims(name)
    assert claim["metadata"]["name"] != lost
    assert status["replacements"] == [1]


def test_a_machine_deleted_behind_a_ready_workspace_is_replaced(moorage, workspaces):
    name = workspaces.make("bereft", T4)
    (lost,) = workspaces.until(name, "Ready")["workerNodes"]
    (claim,) = workspaces.claims(name)
    agent_pool(moorage, claim["metadata"]["name"], "DELETE")
    eventually(lambda: workspaces.status(name)["phase"] != "Ready", seconds=90)
    (node,) = workspaces.until(name, "Ready")["workerNodes"]
    assert node != lost


def test_two_workspaces_that_ask_for_the_same_labels_have_nodes_of_their_own(kubectl, workspaces):
    names = [workspaces.make(name, T4) for name in ("twin-a", "twin-b")]
    nodes = [workspaces.until(name, "Ready")["workerNodes"] for name in names]
    assert len({node for each in nodes for node in each}) == 2


def test_own_nodes_are_used_first_the_rest_is_provisioned_and_they_are_given_back(
    moorage, kubectl, workspaces
):
    node = own_node(moorage, kubectl, "mine", A10, apps="mixed")
    name = workspaces.make("mixed", A10, preset="phi-4")
    status = workspaces.until(name, "Ready")
    assert status["targetNodeCount"] == len(status["workerNodes"]) == 2
    assert node in status["workerNodes"]
    assert status["ownNodes"] == [node]
    assert len(workspaces.claims(name)) == 1
    assert workspace_of(kubectl, node) == name
    kubectl("delete", "workspace", name, "--timeout=90s")
    workspaces.made.remove(name)
    assert workspace_of(kubectl, node) == ""


def test_of_own_nodes_the_preferred_come_first_and_each_serves_one_workspace(
    moorage, kubectl, workspaces
):
    other = own_node(moorage, kubectl, "first", T4, apps="shared")
    preferred = own_node(moorage, kubectl, "second", T4, apps="shared")
    chooser = workspaces.make("chooser", T4, apps="shared", preferred=(preferred,))
    assert workspaces.until(chooser, "Ready")["workerNodes"] == [preferred]
    rest = workspaces.make("rest", T4, apps="shared")
    assert workspaces.until(rest, "Ready")["workerNodes"] == [other]
    assert not workspaces.claims(chooser)
    assert not workspaces.claims(rest)
    late = workspaces.make("late", T4, apps="shared")
    assert not {preferred, other} & set(workspaces.until(late, "Ready")["workerNodes"])
    assert len(workspaces.claims(late)) == 1


def test_a_node_short_of_disk_is_warned_of_and_serves_on(kubectl, workspaces):
    name = workspaces.make("pressed", T4)
    (node,) = workspaces.until(name, "Ready")["workerNodes"]
    pressed = {"type": "DiskPressure", "status": "True", "reason": "KubeletHasDiskPressure"}
    patch = json.dumps({"status": {"conditions": [pressed]}})

    def warning() -> bool:
        """Its kubelet, which knows better, tells otherwise now and then."""
        kubectl("patch", "node", node, "--subresource=status", "--type=strategic", "-p", patch)
        condition = workspaces.condition(name, "NodesReady")
        assert condition["status"] == "True"
        return f"{node}: DiskPressure" in condition["message"]

    eventually(warning, seconds=60)
    assert workspaces.status(name)["phase"] == "Ready"


def test_without_a_provisioner_a_node_is_waited_for_and_taken_when_it_is_labelled(
    own_moorage_alone, tmp_path
):
    kubectl = Kubectl(own_moorage_alone.kubeconfig, tmp_path / "kubectl")
    workspaces = Workspaces(kubectl)
    name = workspaces.make("alone", T4)
    workspaces.until(name, "Provisioning")
    node = own_node(own_moorage_alone, kubectl, "mine", T4)
    assert workspaces.condition(name, "NodesReady")["status"] == "False"
    assert workspaces.condition(name, "NodeClaimReady") == {}
    assert not workspaces.claims(name)
    kubectl("label", "node", node, "apps=alone")
    assert workspaces.until(name, "Ready")["workerNodes"] == [node]
    assert workspaces.condition(name, "ResourceReady")["status"] == "True"
    assert not workspaces.claims(name)


@pytest.fixture
def own_moorage_alone(tmp_path) -> Iterator[MoorageProcess]:
    """On which nobody provides nodes."""
    options = ("--provisioner=none",)
    with MoorageProcess(tmp_path / "state", delays=0.1, options=options) as process:
        process.start()
        yield process
