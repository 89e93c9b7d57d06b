"""What people do with kubectl, on workspaces and what they are made of."""

import subprocess
import threading

import pytest

from tests.acceptance.conftest import EXAMPLES
from tests.acceptance.kubectl import BINARY
from tests.acceptance.moorage_process import eventually

pytestmark = pytest.mark.timeout(120)
NAME = "workspace-phi-3-mini"


@pytest.fixture(scope="module")
def ready(kubectl):
    kubectl("apply", "-f", str(EXAMPLES / "inference.yaml"))
    kubectl("wait", "--for=condition=InferenceReady", f"workspace/{NAME}", "--timeout=90s")
    yield NAME
    kubectl("delete", "workspace", NAME)


def test_the_kinds_are_listed_and_explained(kubectl):
    listed = kubectl("api-resources")
    for kind in ("workspaces", "nodeclaims", "statefulsets", "validatingadmissionpolicies"):
        assert kind in listed
    assert "strength" in kubectl("explain", "workspace.inference.adapters")
    assert "From 0" in kubectl("explain", "workspace.inference.adapters.strength")


def test_apply_again_changes_nothing(kubectl, ready):
    before = kubectl.json("get", "workspace", ready)["metadata"]["resourceVersion"]
    assert "unchanged" in kubectl("apply", "-f", str(EXAMPLES / "inference.yaml"))
    assert kubectl.json("get", "workspace", ready)["metadata"]["resourceVersion"] == before


def test_what_was_got_as_a_list_can_be_applied(kubectl, ready, tmp_path):
    listed = tmp_path / "list.yaml"
    listed.write_text(kubectl("get", "configmaps,workspaces", "-o", "yaml"), encoding="utf-8")
    assert "kind: List" in listed.read_text(encoding="utf-8")
    assert ready in kubectl("apply", "-f", str(listed))


def test_server_side_apply_takes_over(kubectl, ready):
    said = kubectl(
        "apply", "--server-side", "--force-conflicts", "-f", str(EXAMPLES / "inference.yaml")
    )
    assert "serverside-applied" in said


def test_diff_of_what_is_applied_is_empty(kubectl, ready):
    assert kubectl("diff", "-f", str(EXAMPLES / "inference.yaml")) == ""


def test_describe_tells_the_phase_and_the_events(kubectl, ready):
    told = kubectl("describe", "workspace", ready)
    for part in ("Phase:", "Remedy:", "Events:", "Provisioning", "moorage"):
        assert part in told


def test_events_tell_the_passages(kubectl, ready):
    told = kubectl("events", "--for", f"workspace/{ready}")
    assert all(phase in told for phase in ("Planning", "Provisioning", "Loading", "Ready"))


def test_labels_annotations_and_patches(kubectl, ready):
    kubectl("label", "workspace", ready, "team=a")
    kubectl("annotate", "workspace", ready, "note=b")
    kubectl("patch", "workspace", ready, "--type=merge", "-p", '{"metadata":{"labels":{"x":"1"}}}')
    kubectl(
        *("patch", "workspace", ready, "--type=json"),
        *("-p", '[{"op":"add","path":"/metadata/labels/y","value":"2"}]'),
    )
    metadata = kubectl.json("get", "workspace", ready)["metadata"]
    assert metadata["labels"].items() >= {"team": "a", "x": "1", "y": "2"}.items()
    assert metadata["annotations"]["note"] == "b"
    assert ready in kubectl("get", "workspace", "-l", "team=a", "-o", "name")


def test_edit_changes_what_may_be_changed_and_refuses_the_rest(kubectl, ready, tmp_path):
    editor = tmp_path / "editor.sh"
    editor.write_text(
        "#!/bin/sh\nsed -i 's/^  name: workspace-phi-3-mini$/&\\n  labels: {by: editor}/' $1\n"
    )
    editor.chmod(0o755)
    kubectl("edit", "workspace", ready, env={"KUBE_EDITOR": str(editor)})
    assert kubectl.json("get", "workspace", ready)["metadata"]["labels"]["by"] == "editor"
    refused = kubectl.run(
        *("patch", "workspace", ready, "--type=merge"),
        *("-p", '{"inference":{"preset":{"name":"phi-4"}}}'),
    )
    assert refused.code != 0
    assert "cannot be changed" in refused.err


def test_a_watch_shows_changes_as_they_happen(kubectl, ready):
    seen: list[str] = []
    with subprocess.Popen(
        [str(BINARY), "get", "workspace", ready, "-w", "--show-labels"],
        env=kubectl.environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as watcher:
        assert watcher.stdout is not None
        reader = threading.Thread(target=lambda: seen.extend(watcher.stdout))
        reader.start()
        eventually(lambda: len(seen) >= 2, seconds=10)
        kubectl("label", "workspace", ready, "seen=yes", "--overwrite")
        eventually(lambda: any("seen=yes" in line for line in seen), seconds=10)
        watcher.terminate()
        reader.join(10)


def test_a_deployment_scales_and_rolls_out(kubectl):
    kubectl("create", "deployment", "web", "--image=example.org/web:1", "--replicas=2")
    kubectl("rollout", "status", "deployment/web", "--timeout=60s")
    kubectl("scale", "deployment", "web", "--replicas=3")
    kubectl("wait", "deployment/web", "--for=jsonpath={.status.readyReplicas}=3", "--timeout=60s")
    kubectl("delete", "deployment", "web", "--wait")
    eventually(lambda: not kubectl.names("pods", "-l", "app=web"), seconds=60)
