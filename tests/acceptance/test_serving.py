"""A real Triton answers, over every door; and when it dies, the workspace says so and recovers."""

import json
import time
import urllib.request

import numpy as np
import pytest
import tritonclient.grpc as triton
import yaml

from tests.acceptance.conftest import EXAMPLES, needs_triton
from tests.acceptance.moorage_process import eventually
from tests.triton_models.tiny_adapter import random_adapter, write_adapter
from triton_models.chat_lm.generation.manifest import read_manifest

pytestmark = [needs_triton, pytest.mark.timeout(240)]
MODEL = "smollm2-135m-instruct"
QUESTION = "What is the capital of France?"
ASKED = {"prompt": QUESTION, "generate_kwargs": {"do_sample": False}}


@pytest.fixture(scope="module")
def endpoints(kubectl):
    kubectl("apply", "-f", str(EXAMPLES / "smollm2.yaml"))
    kubectl("wait", "--for=condition=InferenceReady", "workspace/smollm2", "--timeout=90s")
    yield kubectl.json("get", "workspace", "smollm2")["status"]["endpoints"]
    kubectl("delete", "workspace", "smollm2")


def post(url: str, body: dict) -> dict:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        told: dict = json.load(answer)
        return told


def test_chat_answers_in_kaitos_shape(endpoints):
    assert "Paris" in post(f"{endpoints['http']}/chat", ASKED)["Result"]


def test_openai_clients_are_answered(endpoints):
    body = {"model": MODEL, "messages": [{"role": "user", "content": QUESTION}], "temperature": 0}
    told = post(f"{endpoints['http']}/v1/chat/completions", body)
    assert "Paris" in told["choices"][0]["message"]["content"]
    assert told["usage"]["completion_tokens"] > 0


def test_the_model_is_listed(endpoints):
    with urllib.request.urlopen(f"{endpoints['http']}/v1/models", timeout=10) as answer:
        assert MODEL in [model["id"] for model in json.load(answer)["data"]]


def test_triton_itself_is_reachable_over_grpc(endpoints):
    with triton.InferenceServerClient(endpoints["tritonGRPC"]) as client:
        assert client.is_model_ready(MODEL)
        answers: list = []
        client.start_stream(lambda result, error: answers.append(error or result))
        client.async_stream_infer(MODEL, [text("text_input", "The capital of France is")])
        eventually(lambda: answers, seconds=30)
        client.stop_stream()
    assert b"Paris" in answers[0].as_numpy("text_output")[0]


def text(name: str, value: str) -> triton.InferInput:
    tensor = triton.InferInput(name, [1], "BYTES")
    tensor.set_data_from_numpy(np.array([value.encode()], np.object_))
    return tensor


def test_metrics_are_exported(endpoints):
    with urllib.request.urlopen(endpoints["metrics"], timeout=10) as answer:
        assert b"nv_inference_request_success" in answer.read()


@pytest.fixture
def adapted(kubectl, tmp_path, model_repository):
    """A workspace with an adapter on a volume, at half its strength."""
    shape = read_manifest(model_repository / MODEL / "1").shape
    tensors = random_adapter(shape, rank=4, seed=1, size=0.1)
    folder = write_adapter(tmp_path / "odd", tensors, rank=4)
    workspace = yaml.safe_load((EXAMPLES / "smollm2.yaml").read_text())
    workspace["metadata"]["name"] = "adapted"
    volume = {"hostPath": {"path": str(folder)}}
    workspace["inference"]["adapters"] = [
        {"source": {"name": "odd", "volumeSource": volume}, "strength": "0.5"}
    ]
    manifest = tmp_path / "adapted.yaml"
    manifest.write_text(yaml.safe_dump(workspace))
    kubectl("apply", "-f", str(manifest))
    kubectl("wait", "--for=condition=InferenceReady", "workspace/adapted", "--timeout=90s")
    yield kubectl.json("get", "workspace", "adapted")["status"]["endpoints"]
    kubectl("delete", "workspace", "adapted")


def test_an_adapter_on_a_volume_changes_the_answers_as_strongly_as_it_is_asked_to(adapted):
    with urllib.request.urlopen(f"{adapted['http']}/v1/models", timeout=10) as answer:
        assert {model["id"] for model in json.load(answer)["data"]} == {MODEL, "odd"}

    def answered(model: str, **more) -> str:
        messages = [{"role": "user", "content": QUESTION}]
        body = {"model": model, "messages": messages, "temperature": 0, "max_tokens": 16, **more}
        told = post(f"{adapted['http']}/v1/chat/completions", body)
        return told["choices"][0]["message"]["content"]

    base = answered(MODEL)
    assert "Paris" in base
    assert answered(MODEL, adapters={"odd": 0}) == base
    assert answered("odd") == answered(MODEL, adapters={"odd": 0.5})
    assert len({base, answered("odd"), answered(MODEL, adapters={"odd": 1})}) == 3
    chat = {"prompt": QUESTION, "generate_kwargs": {"do_sample": False, "max_new_tokens": 16}}
    assert post(f"{adapted['http']}/chat", chat)["Result"] == answered("odd")


def status(kubectl) -> dict:
    told: dict = kubectl.json("get", "workspace", "smollm2")["status"]
    return told


def test_a_killed_triton_is_noticed_told_and_replaced(kubectl, shared_moorage, endpoints):
    (server,) = shared_moorage.programs("tritonserver")
    killed_at = time.monotonic()
    server.kill()
    degraded = eventually(
        lambda: (told := status(kubectl))["phase"] != "Ready" and told, seconds=15, pause=0.05
    )
    assert degraded["phase"] == "Degraded"
    assert "triton was killed by signal 9" in degraded["message"]
    assert degraded["deadline"]
    assert time.monotonic() - killed_at < 15
    eventually(lambda: status(kubectl)["phase"] == "Ready", seconds=60)
    assert "Paris" in post(f"{endpoints['http']}/chat", ASKED)["Result"]
    assert "Degraded" in kubectl("events", "--for", "workspace/smollm2")


def test_a_dead_model_process_is_noticed_though_triton_reports_ready(
    kubectl, shared_moorage, endpoints
):
    """Triton 24.10 goes on to report ready; only the canary can tell."""
    (stub,) = shared_moorage.programs("triton_python_backend_stub")
    stub.kill()
    degraded = eventually(
        lambda: (told := status(kubectl))["phase"] != "Ready" and told, seconds=15, pause=0.05
    )
    assert degraded["reason"] in ("ModelSilent", "ReplicaMissing")
    eventually(lambda: status(kubectl)["phase"] == "Ready", seconds=120)
    assert "Paris" in post(f"{endpoints['http']}/chat", ASKED)["Result"]
