"""Capacity costs: none is left behind, none is asked for twice, none is believed blindly."""

import json
from collections.abc import Iterator

import pytest

from tests.acceptance.kubectl import Kubectl
from tests.acceptance.moorage_process import MoorageProcess, eventually
from tests.acceptance.provisioned import Workspaces, agent_pool, pools

pytestmark = pytest.mark.timeout(400)

T4 = "Standard_NC4as_T4_v3"
MANY = 50
"""More than a page of Azure's list."""


@pytest.fixture(scope="module")
def moorage(tmp_path_factory) -> Iterator[MoorageProcess]:
    """Slow enough to be caught on the way."""
    with MoorageProcess(tmp_path_factory.mktemp("moorage"), delays=1.5) as process:
        process.start()
        yield process


@pytest.fixture(scope="module")
def kubectl(moorage, tmp_path_factory) -> Kubectl:
    return Kubectl(moorage.kubeconfig, tmp_path_factory.mktemp("kubectl"))


@pytest.fixture
def workspaces(kubectl) -> Iterator[Workspaces]:
    made = Workspaces(kubectl)
    yield made
    for name in made.made:
        kubectl("delete", "workspace", name, "--ignore-not-found", "--timeout=90s")


def test_nothing_is_left_of_a_deleted_workspace(moorage, kubectl, workspaces):
    name = workspaces.make("going", T4)
    workspaces.until(name, "Ready")
    (claim,) = workspaces.claims(name)
    assert pools(moorage) == {claim["metadata"]["name"]: "Succeeded"}
    kubectl("delete", "workspace", name, "--wait=false")
    told = workspaces.condition(name, "WorkspaceDeleting")
    assert told == {} or told["status"] == "True"
    kubectl("wait", "--for=delete", f"workspace/{name}", "--timeout=90s")
    assert workspaces.claims(name) == []
    assert pools(moorage) == {}
    assert kubectl.names("nodes", "-l", f"kaito.sh/workspace={name}") == set()
    assert kubectl.names("services,statefulsets", "-l", f"kaito.sh/workspace={name}") == set()


def test_a_pool_that_is_still_being_made_goes_with_its_workspace(moorage, kubectl, workspaces):
    name = workspaces.make("hasty", T4)
    eventually(lambda: "Creating" in pools(moorage).values(), seconds=30, pause=0.05)
    kubectl("delete", "workspace", name, "--timeout=90s")
    assert pools(moorage) == {}


def test_a_pool_that_somebody_deleted_first_holds_no_deletion_up(moorage, kubectl, workspaces):
    name = workspaces.make("beaten", T4)
    workspaces.until(name, "Ready")
    (claim,) = workspaces.claims(name)
    agent_pool(moorage, claim["metadata"]["name"], "DELETE")
    kubectl("delete", "workspace", name, "--timeout=90s")
    assert pools(moorage) == {}


def test_a_node_without_its_gpus_yet_is_told_as_such(kubectl, workspaces):
    name = workspaces.make("early", T4)
    eventually(
        lambda: workspaces.condition(name, "NodesReady").get("reason") == "NodePluginsNotReady",
        seconds=60,
        pause=0.02,
    )
    (node,) = kubectl.items("nodes", "-l", f"kaito.sh/workspace={name}")
    assert node["metadata"]["labels"]["accelerator"] == "nvidia"
    workspaces.until(name, "Ready")
    assert workspaces.condition(name, "NodesReady")["status"] == "True"


def test_many_workspaces_at_once_have_a_claim_each_and_no_more(moorage, kubectl, workspaces):
    body = {
        "apiVersion": "kaito.sh/v1beta1",
        "kind": "Workspace",
        "inference": {"preset": {"name": "phi-3-mini-4k-instruct"}},
    }
    names = [f"many-{number}" for number in range(MANY)]
    items = [
        {
            **body,
            "metadata": {"name": name, "labels": {"of": "many"}},
            "resource": {
                "instanceType": T4,
                "labelSelector": {"matchLabels": {"apps": name}},
            },
        }
        for name in names
    ]
    everything = {"apiVersion": "v1", "kind": "List", "items": items}
    kubectl("apply", "-f", "-", stdin=json.dumps(everything))

    def all_ready() -> bool:
        told = kubectl.items("workspaces", "-l", "of=many")
        return {one.get("status", {}).get("phase") for one in told} == {"Ready"}

    eventually(all_ready, seconds=240, pause=2.0)
    claims = kubectl.names("nodeclaims")
    assert len(claims) == MANY
    assert pools(moorage).keys() == claims
    kubectl("delete", "workspaces", "-l", "of=many", "--wait=false")
    eventually(lambda: not kubectl.names("workspaces", "-l", "of=many"), seconds=240, pause=2.0)
    assert kubectl.names("nodeclaims") == set()
    assert pools(moorage) == {}
