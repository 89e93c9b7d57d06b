"""The quickstart's files and commands, as its users type them."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.conftest import EXAMPLES, needs_triton
from tests.acceptance.moorage_process import eventually

pytestmark = pytest.mark.timeout(180)

HEADINGS = [
    "NAME",
    "INSTANCE",
    "RESOURCEREADY",
    "INFERENCEREADY",
    "JOBSTARTED",
    "WORKSPACEREADY",
    "STATE",
    "AGE",
]
OWNED = ("nodeclaims", "statefulsets", "services", "pods")


def row(table: str, name: str) -> dict[str, str]:
    """A row of kubectl's table by its headings; columns may be empty, so by position."""
    heading, *lines = table.splitlines()
    starts = [(match.group(), match.start()) for match in re.finditer(r"\S+", heading)]
    (line,) = [line for line in lines if line.startswith(name + " ")]
    ends = [start for _, start in starts[1:]] + [len(line) + 1]
    return {
        title: line[start:end].strip() for (title, start), end in zip(starts, ends, strict=True)
    }


@pytest.fixture
def phi_3(kubectl):
    kubectl("apply", "-f", str(EXAMPLES / "inference.yaml"))
    yield "workspace-phi-3-mini"
    kubectl("delete", "workspace", "workspace-phi-3-mini", "--ignore-not-found")


@pytest.fixture(scope="module")
def smollm2(kubectl):
    kubectl("apply", "-f", str(EXAMPLES / "smollm2.yaml"))
    kubectl("wait", "--for=condition=InferenceReady", "workspace/smollm2", "--timeout=90s")
    yield "smollm2"
    kubectl("delete", "workspace", "smollm2", "--ignore-not-found")


def test_an_inference_workspace_becomes_ready_in_the_columns_users_know(kubectl, phi_3):
    kubectl("wait", "--for=condition=InferenceReady", f"workspace/{phi_3}", "--timeout=90s")
    table = kubectl("get", "workspace", phi_3)
    assert table.splitlines()[0].split() == HEADINGS
    shown = row(table, phi_3)
    ready = ("RESOURCEREADY", "INFERENCEREADY", "WORKSPACEREADY")
    assert [shown[title] for title in ready] == ["True", "True", "True"]
    assert (shown["INSTANCE"], shown["JOBSTARTED"]) == ("Standard_NC6s_v3", "")


def test_the_longest_name_becomes_ready_too(kubectl):
    name = "w" * 63
    text = (EXAMPLES / "inference.yaml").read_text(encoding="utf-8")
    kubectl("apply", "-f", "-", stdin=text.replace("workspace-phi-3-mini", name))
    kubectl("wait", "--for=condition=InferenceReady", f"workspace/{name}", "--timeout=60s")
    kubectl("delete", "workspace", name)


@pytest.mark.parametrize("version", ["v1alpha1", "v1beta1"])
def test_both_versions_are_served_with_the_same_columns(kubectl, phi_3, version):
    table = kubectl("get", f"workspaces.{version}.kaito.sh", phi_3)
    assert table.splitlines()[0].split() == HEADINGS


def test_the_wide_table_tells_what_is_waited_for(kubectl, phi_3):
    heading = kubectl("get", "workspace", phi_3, "-o", "wide").splitlines()[0].split()
    assert heading == [*HEADINGS, "TARGETNODECOUNT", "PHASE", "WAITINGFOR", "UNTIL"]


def test_a_retired_machine_is_granted_with_a_warning(kubectl):
    outcome = kubectl.run("apply", "-f", str(EXAMPLES / "inference.yaml"))
    assert outcome.code == 0
    assert "Warning:" in outcome.err
    assert "retired by Azure on 2025-09-30" in outcome.err
    kubectl("delete", "workspace", "workspace-phi-3-mini")


def test_a_simulated_workload_says_so_and_never_answers(kubectl, phi_3):
    kubectl("wait", "--for=condition=InferenceReady", f"workspace/{phi_3}", "--timeout=90s")
    address = kubectl("get", "svc", phi_3, "-o", "jsonpath={.spec.clusterIPs[0]}")
    url = f"http://{address}:8000/chat"
    done = subprocess.run(
        ["curl", "-s", "-m", "10", "-w", "%{http_code}", "-d", '{"prompt": "hi"}', url],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith("503")
    assert "simulated workload" in done.stdout
    assert "simulated" in kubectl("get", "workspace", phi_3, "-o", "jsonpath={.status.message}")


@pytest.mark.parametrize(
    ("example", "name", "said"),
    [
        (
            "inference-with-adapter.yaml",
            "workspace-phi-3-mini-adapter",
            "ACR_REPO_HERE.azurecr.io/ADAPTER_HERE:0.0.1",
        ),
        ("tuning.yaml", "workspace-phi-3-mini", "tuning is not served yet"),
        ("tuning-128k.yaml", "workspace-phi-3-mini-adapter", "tuning is not served yet"),
    ],
)
def test_what_cannot_run_is_stored_warned_of_and_told(kubectl, example, name, said):
    outcome = kubectl.run("apply", "-f", str(EXAMPLES / example))
    assert outcome.code == 0, outcome.err
    assert "HERE" in outcome.err
    eventually(
        lambda: said in kubectl("get", "workspace", name, "-o", "jsonpath={.status.message}"),
        seconds=15,
    )
    assert kubectl("get", "workspace", name, "-o", "jsonpath={.status.remedy}")
    kubectl("delete", "workspace", name)


@needs_triton
def test_the_throw_away_curl_pod_reaches_the_model(kubectl, smollm2):
    """The quickstart's last command, in the shell it is typed in."""
    environment = kubectl.environment
    script = (
        'export CLUSTERIP=$(kubectl get svc smollm2 -o jsonpath="{.spec.clusterIPs[0]}")\n'
        "kubectl run -it --rm --restart=Never curl --image=curlimages/curl -- "
        'curl -X POST http://$CLUSTERIP/chat -H "accept: application/json" '
        '-H "Content-Type: application/json" '
        '-d "{\\"prompt\\":\\"What is the capital of France?\\"}"'
    )
    done = subprocess.run(
        ["bash", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r'{"Result": ?"[^"]+"}', done.stdout)
    assert "curl" not in kubectl.names("pods")


@needs_triton
def test_a_pods_programs_can_be_read_by_their_logs(kubectl, smollm2):
    triton = kubectl("logs", "smollm2-0", "-c", "triton")
    assert "smollm2-135m-instruct" in triton
    assert kubectl("logs", "smollm2-0", "-c", "weights").strip()


@pytest.mark.parametrize("example", ["inference.yaml", "smollm2.yaml"])
def test_deleting_leaves_nothing_behind(own_moorage, own_kubectl, example):
    own_moorage.start()
    kubectl = own_kubectl
    before = {kind: kubectl.names(kind) for kind in (*OWNED, "nodes")}
    kubectl("apply", "-f", str(EXAMPLES / example))
    name = "workspace-phi-3-mini" if example == "inference.yaml" else "smollm2"
    kubectl("wait", "--for=condition=ResourceReady", f"workspace/{name}", "--timeout=60s")
    assert kubectl.names("nodeclaims") > before["nodeclaims"]
    kubectl("delete", "workspace", name, "--timeout=90s")
    assert {kind: kubectl.names(kind) for kind in before} == before


BAD = """
apiVersion: kaito.sh/v1beta1
kind: Workspace
metadata: {name: bad}
resource: {instanceType: Standard_Nothing, labelSelector: {matchLabels: {a: b}}}
inference:
  preset: {name: unknown-model}
  adapters: [{source: {name: a, image: "example.org/a:1"}, strength: strong}]
tuning:
  preset: {name: phi-4}
  method: qlora
  input: {urls: ["https://example.org/a"]}
  output: {image: "example.org/b:1", imagePushSecret: s}
"""


def test_a_bad_workspace_is_refused_with_every_reason_and_not_stored(kubectl):
    outcome = kubectl.run("apply", "-f", "-", stdin=BAD)
    assert outcome.code != 0
    for said in (
        'unsupported preset "unknown-model"',
        "unsupported instance type",
        '"strong" is not a number',
        "not both",
    ):
        assert said in outcome.err
    assert "bad" not in kubectl.names("workspaces")


def test_a_bad_name_is_refused(kubectl):
    text = (EXAMPLES / "smollm2.yaml").read_text(encoding="utf-8")
    for name in ("Bad_Name", "a.b"):
        outcome = kubectl.run(
            "apply", "-f", "-", stdin=text.replace("name: smollm2\n", f"name: {name}\n")
        )
        assert outcome.code != 0
        assert "name" in outcome.err


def test_two_stacks_run_side_by_side(own_moorage, own_kubectl, kubectl):
    own_moorage.start()
    assert own_kubectl.names("workspaces") == set()
    mine, theirs = (
        k.json("get", "svc", "kubernetes")["spec"]["clusterIP"] for k in (own_kubectl, kubectl)
    )
    assert mine != theirs
    assert own_moorage.stop() == 0


def test_endpoints_are_written_for_programs(shared_moorage):
    assert set(shared_moorage.endpoints) >= {"kubernetes", "grpc"}
    assert json.loads(Path(shared_moorage.state_directory / "endpoints.json").read_text())
    assert any("export KUBECONFIG=" in line for line in shared_moorage.output)
