"""``serve`` as a process on a cluster of its own, which has no engine and at first no CRDs."""

import asyncio
import json
import signal
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from moorage.controllers import Controller, NodeApi, rules
from simulator.azure.managed_cluster import ManagedCluster
from simulator.azure.timings import AzureTimings
from simulator.cluster import ClusterOptions, simulated_cluster
from simulator.kubeconfig import write_kubeconfig
from simulator.timings import Timings
from tests.moorage.guarded_door import Asked, guarded_door

MOORAGE = str(Path(sys.executable).with_name("moorage"))
INSTALLING = {
    ("patch", "apiextensions.k8s.io", "customresourcedefinitions"),
    ("patch", "admissionregistration.k8s.io", "validatingadmissionpolicies"),
    ("patch", "admissionregistration.k8s.io", "validatingadmissionpolicybindings"),
}
"""What --install needs, and the service account need not have."""

SELDOM_ASKED: set[Asked] = {
    ("create", "apps", "statefulsets"),  # both by RBAC's rule for an apply that creates
    ("create", "", "services"),
    ("create", "", "pods/eviction"),  # pods that are still there when a node goes
    ("delete", "", "pods"),  # pods that fell silent
    ("delete", "", "nodes"),  # Nodes whose machine is gone
    ("get", "", "nodes"),  # nodes of the user's own
    ("update", "kaito.sh", "workspaces"),  # changes by gRPC
}
"""What the course of one workspace has no occasion for."""

CLAIM = {
    "apiVersion": "karpenter.sh/v1",
    "kind": "NodeClaim",
    "metadata": {"name": "ws0123abcd4"},
    "spec": {
        "nodeClassRef": {"group": "kaito.sh", "kind": "KaitoNodeClass", "name": "default"},
        "requirements": [
            {
                "key": "node.kubernetes.io/instance-type",
                "operator": "In",
                "values": ["Standard_NC24ads_A100_v4"],
            }
        ],
        "resources": {"requests": {"storage": "200Gi"}},
    },
}

MACHINE = {
    "apiVersion": "karpenter.sh/v1alpha5",
    "kind": "Machine",
    "metadata": {"name": "ws0123abcd4", "labels": {"kaito.sh/workspace": "demo"}},
    "spec": {
        "machineTemplateRef": {"name": "ws0123abcd4"},
        "requirements": CLAIM["spec"]["requirements"],
        "resources": CLAIM["spec"]["resources"],
    },
}


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    def row(self, check: str) -> str:
        return next(line for line in self.out.splitlines() if line.startswith(check))


async def moorage(*arguments: str) -> Outcome:
    process = await asyncio.create_subprocess_exec(
        MOORAGE, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return Outcome(process.returncode, out.decode(), err.decode())


@asynccontextmanager
async def serving(*arguments: str):
    """The gRPC address of a `serve` that is ready; it must end well when asked to."""
    process = await asyncio.create_subprocess_exec(
        MOORAGE, "serve", *arguments, "--listen=127.0.0.1:0", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        lines = {}
        async with asyncio.timeout(60):
            while (line := (await process.stdout.readline()).decode().strip()) != "ready":
                lines |= dict([line.split(maxsplit=1)])
        yield lines.get("grpc")
        process.send_signal(signal.SIGTERM)
        rest, _ = await asyncio.wait_for(process.communicate(), 30)
        assert (process.returncode, rest) == (0, b"stopped\n")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.fixture
async def cluster(tmp_path):
    options = ClusterOptions(
        state_directory=tmp_path / "state",
        cache_directory=tmp_path / "cache",
        timings=Timings().scaled(0.05),
        azure_timings=AzureTimings().scaled(0.05),
        images={},
    )
    async with simulated_cluster(options) as cluster:
        yield cluster


@pytest.fixture
async def door(cluster, tmp_path):
    async with guarded_door(cluster.url, tmp_path) as door:
        yield door


@pytest.fixture
def azure(cluster):
    """The options that name the AKS cluster."""
    place = ManagedCluster()
    return (
        f"--subscription={place.subscription}",
        f"--resource-group={place.resource_group}",
        f"--cluster={place.name}",
        f"--location={place.region}",
        f"--arm-endpoint={cluster.azure_url}",
    )


@pytest.fixture
def of(door):
    """The options that name the Kubernetes cluster, and the part that runs."""
    return ("--kubeconfig", str(door.kubeconfig), "--controllers", "workspace")


async def test_a_cluster_without_crds_is_not_served_and_told_what_to_do(of):
    told = await moorage("serve", *of)
    assert told.code == 1
    for name in ("workspaces.kaito.sh", "nodeclaims.karpenter.sh"):
        row = told.row(f"CRD {name}")
        assert "missing" in row
        assert "--install" in row
    assert "cannot serve this cluster: CRD workspaces.kaito.sh, CRD nodeclaims" in told.err


async def test_install_gives_the_cluster_its_crds(of):
    told = await moorage("serve", *of, "--install", "--check-only")
    assert told.code == 0, told.out + told.err
    assert "ok" in told.row("CRD workspaces.kaito.sh")
    assert "v1alpha1, v1beta1" in told.row("CRD workspaces.kaito.sh")


async def test_a_permission_that_lacks_is_named(of, door):
    door.denied |= {
        ("patch", "kaito.sh", "workspaces/status"),
        ("create", "karpenter.sh", "nodeclaims"),
        ("delete", "karpenter.sh", "nodeclaims"),
    }
    told = await moorage("serve", *of, "--install", "--check-only")
    assert told.code == 1
    assert "may not patch workspaces/status; create, delete nodeclaims" in told.row("permissions")
    assert "deploy/rbac.yaml" in told.row("permissions")


async def test_findings_are_values_for_programs(of):
    told = await moorage("serve", *of, "--install", "--check-only", "-o", "json")
    findings = {it["check"]: it for it in json.loads(told.out)}
    assert findings["Kubernetes API"]["level"] == "ok"
    assert findings["NVIDIA device plugin"] == {
        "check": "NVIDIA device plugin",
        "level": "warning",
        "found": "no such DaemonSet",
        "whatToDo": "install it, or use managed GPU pools: "
        "without it GPUs never become allocatable",
    }


async def test_a_cluster_that_does_not_answer_is_asked_no_further(tmp_path):
    write_kubeconfig(tmp_path / "kubeconfig", "http://127.0.0.1:1")
    told = await moorage(
        "serve", "--kubeconfig", str(tmp_path / "kubeconfig"), "--controllers=workspace"
    )
    assert told.code == 1
    assert "missing" in told.row("Kubernetes API")
    assert len(told.out.splitlines()) == 2


async def test_both_parts_serve_with_no_more_than_their_cluster_role_grants(of, door, azure):
    async with serving(*of, "--controllers=workspace,node", *azure, "--install") as address:
        server = ("--server", address)
        applied = await moorage("apply", "-f", "examples/inference.yaml", *server)
        assert applied.code == 0, applied.err
        name = "workspace-phi-3-mini"
        watched = await moorage("watch", name, "--until=Ready", "--timeout=60", *server)
        assert watched.code == 0, watched.err
        explained = await moorage("explain", name, *server)
        assert "agent pool" in explained.out, explained.err
        deleted = await moorage("delete", name, "--timeout=60", *server)
        assert deleted.code == 0, deleted.err
    assert door.asked - granted(*Controller) - INSTALLING == set()
    assert granted(*Controller) - door.asked <= SELDOM_ASKED


async def test_the_node_part_alone_makes_a_node_of_a_claim_and_needs_less(of, cluster, door, azure):
    objects, name = cluster.api_server, CLAIM["metadata"]["name"]
    async with serving(*of, "--controllers=node", *azure, "--install"):
        objects.create(CLAIM)
        await eventually(lambda: _condition(objects.find("NodeClaim", name), "Ready") == "True")
        objects.delete("NodeClaim", name)
        await eventually(lambda: objects.find("NodeClaim", name) is None)
    alone = granted(Controller.NODE)
    assert door.asked - alone - INSTALLING == set()
    assert alone - door.asked <= SELDOM_ASKED
    assert not any(group == "kaito.sh" for _, group, _ in alone)


def _condition(claim, kind):
    conditions = claim.get("status", {}).get("conditions", ())
    return next((it["status"] for it in conditions if it["type"] == kind), "")


async def eventually(question, *, seconds=60):
    async with asyncio.timeout(seconds):
        while not question():  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.1)


def granted(*controllers, node_api=NodeApi.NODE_CLAIM):
    return {
        (verb, rule.group, rule.resource)
        for rule in rules(controllers, node_api)
        for verb in rule.verbs
    }


async def test_controllers_that_do_not_exist_are_refused():
    told = await moorage("serve", "--controllers=workspace,tuner")
    assert (told.code, told.out) == (2, "")
    assert "'tuner'" in told.err


async def test_the_node_part_wants_to_know_the_cluster(of):
    told = await moorage("serve", *of, "--controllers=node", "--cluster=aks")
    assert told.code == 2
    assert "missing: --subscription (ARM_SUBSCRIPTION_ID)" in told.err
    assert "--cluster" not in told.err


async def test_machines_become_nodes_where_they_are_chosen_and_need_their_own_permissions(
    of, cluster, door, azure
):
    objects, name = cluster.api_server, MACHINE["metadata"]["name"]
    serve = (*of, "--controllers=node", "--node-api=machine", *azure, "--install")
    async with serving(*serve):
        objects.create(MACHINE)
        await eventually(lambda: _condition(objects.find("Machine", name), "Ready") == "True")
        objects.delete("Machine", name)
        await eventually(lambda: objects.find("Machine", name) is None)
    alone = granted(Controller.NODE, node_api=NodeApi.MACHINE)
    assert door.asked - alone - INSTALLING == set()
    assert alone - door.asked <= SELDOM_ASKED
