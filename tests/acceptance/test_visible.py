"""What stands behind a workspace can be seen as it changes: with kubectl, and with explain."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import EXAMPLES
from tests.acceptance.kubectl import Kubectl
from tests.acceptance.moorage_process import MoorageProcess, eventually

pytestmark = pytest.mark.timeout(120)

MOORAGE = str(Path(sys.executable).with_name("moorage"))
NAME = "workspace-phi-3-mini"
SIZE = "Standard_NC6s_v3"
PHASES = {"Launching", "Registering", "Initializing", "Ready"}
TAINT = {"key": "sku", "value": "gpu", "effect": "NoSchedule"}
CONDITIONS = (
    "NodeClaimReady",
    "NodesReady",
    "ResourceReady",
    "InferenceReady",
    "WorkspaceSucceeded",
)


@dataclass(frozen=True)
class Seen:
    """Every different answer of ``moorage explain`` and of kubectl, in order."""

    explained: list[dict[str, Any]] = field(default_factory=list)
    listed: list[dict[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def claims(self) -> list[dict[str, Any]]:
        """The one node claim, as explain told it each time."""
        return [one["nodeClaims"][0] for one in self.explained if one["nodeClaims"]]

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """The one object of that kind, as kubectl showed it each time."""
        return [one[kind] for one in self.listed if kind in one]


@pytest.fixture(scope="module")
def moorage(tmp_path_factory) -> Iterator[MoorageProcess]:
    with MoorageProcess(tmp_path_factory.mktemp("moorage"), delays=0.7) as process:
        process.start()
        yield process


@pytest.fixture(scope="module")
def kubectl(moorage, tmp_path_factory) -> Kubectl:
    return Kubectl(moorage.kubeconfig, tmp_path_factory.mktemp("kubectl"))


@pytest.fixture(scope="module")
def seen(moorage, kubectl) -> Seen:
    """The quickstart's workspace on a fresh cluster, looked at until it is ready."""
    found = Seen()
    kubectl("apply", "-f", str(EXAMPLES / "inference.yaml"))

    def look() -> bool:
        explanation = explain(moorage)
        found.explained.append(explanation)
        found.listed.append(shown(kubectl))
        return explanation["phase"] == "Ready"

    eventually(look, seconds=60, pause=0.1)
    return found


def explain(moorage: MoorageProcess) -> dict[str, Any]:
    command = [MOORAGE, "explain", NAME, "-o", "json"]
    done = subprocess.run(
        [*command, "--state-dir", str(moorage.state_directory)],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def shown(kubectl: Kubectl) -> dict[str, dict[str, Any]]:
    """By kind; each of them is the only one that the workspace has."""
    selected = kubectl.items("nodeclaims,nodes", "-l", f"kaito.sh/workspace={NAME}")
    items = [*selected, kubectl.json("get", "workspace", NAME)]
    assert len({item["kind"] for item in items}) == len(items)
    return {item["kind"]: item for item in items}


def conditions(item: dict[str, Any]) -> dict[str, bool]:
    """Whether each is True."""
    told = item.get("status", {}).get("conditions", ())
    return {one["type"]: one["status"] == "True" for one in told}


def test_explain_shows_each_phase_of_the_claim(seen):
    """One that came and went between two looks is in the history."""
    live = {claim["phase"] for claim in seen.claims}
    past = {passage["destination"] for passage in seen.claims[-1]["history"]}
    assert past == PHASES
    assert live <= PHASES | {"", "Requested"}
    assert {"Launching", "Initializing", "Ready"} <= live


def test_explain_shows_the_agent_pool_from_its_creation_on(seen):
    pools = [claim["agentPool"] for claim in seen.claims if "agentPool" in claim]
    states = [pool["state"] for pool in pools]
    assert list(dict.fromkeys(state for state in states if state)) == ["Creating", "Succeeded"]
    asked = {json.dumps({**pool, "state": ""}, sort_keys=True) for pool in pools}
    assert len(asked) == 1
    pool = pools[0]
    assert (pool["name"], pool["vmSize"], pool["count"]) == (seen.claims[0]["name"], SIZE, 1)
    assert pool["labels"]["apps"] == "phi-3"
    assert pool["labels"]["karpenter.sh/nodepool"] == "kaito"
    assert pool["taints"] == ["sku=gpu:NoSchedule"]


def test_explain_shows_the_node_once_it_has_registered(seen):
    nodes = [claim["node"] for claim in seen.claims]
    assert nodes[0] == ""
    assert set(nodes[1:]) <= {"", nodes[-1]}
    assert nodes[-1] == seen.objects("Node")[-1]["metadata"]["name"]


def test_kubectl_shows_each_phase_of_the_claim_as_an_event(seen, kubectl):
    claim = seen.claims[-1]["name"]
    events = kubectl("describe", "nodeclaim", claim).partition("Events:")[2]
    assert {words[1] for line in events.splitlines() if len(words := line.split()) > 1} >= PHASES


def test_kubectls_columns_tell_what_the_claim_became(seen, kubectl):
    claim = seen.claims[-1]
    heading, row = kubectl("get", "nodeclaims").splitlines()
    assert heading.split()[:6] == ["NAME", "TYPE", "CAPACITY", "ZONE", "NODE", "READY"]
    node = seen.objects("Node")[-1]
    zone = node["metadata"]["labels"]["topology.kubernetes.io/zone"]
    assert row.split()[:6] == [claim["name"], SIZE, "on-demand", zone, claim["node"], "True"]
    status = seen.objects("NodeClaim")[-1]["status"]
    assert status["capacity"] == node["status"]["capacity"]
    assert status["allocatable"]["nvidia.com/gpu"] == "1"


def test_kubectl_shows_the_conditions_of_the_claim_come_true_in_order(seen):
    looks = [conditions(claim) for claim in seen.objects("NodeClaim")]
    assert not any(looks[0].values())
    order = dict.fromkeys(kind for look in looks for kind, true in look.items() if true)
    assert list(order) == ["Launched", "Registered", "Initialized", "Ready"]


def test_the_node_bears_what_was_asked_of_its_agent_pool(seen):
    node, pool = seen.objects("Node")[-1], seen.claims[-1]["agentPool"]
    labels = node["metadata"]["labels"]
    assert labels["agentpool"] == pool["name"]
    assert labels["node.kubernetes.io/instance-type"] == pool["vmSize"]
    assert pool["labels"].items() <= labels.items()
    assert labels["karpenter.sh/capacity-type"] == "on-demand"
    assert TAINT in node["spec"]["taints"]


def test_the_workspaces_conditions_come_true_before_the_eyes_of_both(seen):
    explained = [
        {one["type"]: one["status"] == "STATUS_TRUE" for one in answer["conditions"]}
        for answer in seen.explained
    ]
    listed = [conditions(item) for item in seen.objects("Workspace")]
    for told in (explained, listed):
        for kind in CONDITIONS:
            history = [look[kind] for look in told if kind in look]
            assert (history[0], history[-1]) == (False, True), kind
            assert history == sorted(history), kind
