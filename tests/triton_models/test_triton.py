"""The model repository entry in the real Triton, over its own protocols."""

import json
import os
import re
import shutil
import signal
import threading
import time
import urllib.error
import urllib.request

import numpy as np
import pytest
import tritonclient.grpc as triton

from tests.served_model import PRESET, started_triton

CAPITAL = json.dumps([{"role": "user", "content": "What is the capital of France?"}])


def post(served, path, body):
    request = urllib.request.Request(
        f"http://{served.http}{path}", json.dumps(body).encode(), method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def generate(served, **body):
    status, text = post(served, f"/v2/models/{PRESET}/generate", body)
    return status, json.loads(text)


def metrics(served):
    with urllib.request.urlopen(f"http://{served.metrics}/metrics", timeout=5) as response:
        return response.read().decode()


def metric(served, name) -> float:
    """The model's metric; 0 before it was first told."""
    told = re.search(rf'^{name}{{model="{PRESET}"}} (\S+)$', metrics(served), re.MULTILINE)
    return float(told[1]) if told else 0.0


def test_a_chat_is_answered_whole(served_model):
    _, answer = generate(served_model, messages=CAPITAL, temperature=0, max_tokens=20)
    assert answer["text_output"] == "The capital of France is Paris."
    assert answer["finish_reason"] == "stop"
    assert (answer["prompt_tokens"], answer["completion_tokens"]) == (37, 8)


def test_a_chat_is_answered_token_by_token(served_model):
    body = {"messages": CAPITAL, "temperature": 0, "max_tokens": 20, "stream": True}
    _, text = post(served_model, f"/v2/models/{PRESET}/generate_stream", body)
    events = [json.loads(line[5:]) for line in text.splitlines() if line.startswith("data:")]
    assert "".join(event["text_output"] for event in events) == "The capital of France is Paris."
    assert [event["completion_tokens"] for event in events] == list(range(1, 9))
    assert [event["finish_reason"] for event in events] == [""] * 7 + ["stop"]


def test_a_plain_text_is_continued_over_grpc(served_model):
    responses: list = []
    done = threading.Event()

    def heard(result, error):
        responses.append((result, error))
        if error is not None or result.as_numpy("finish_reason")[0]:
            done.set()

    with triton.InferenceServerClient(served_model.grpc) as client:
        client.start_stream(heard)
        text = triton.InferInput("text_input", [1], "BYTES")
        text.set_data_from_numpy(np.array([b"The capital of France is"], np.object_))
        temperature = triton.InferInput("temperature", [1], "FP32")
        temperature.set_data_from_numpy(np.array([0], np.float32))
        count = triton.InferInput("max_tokens", [1], "INT32")
        count.set_data_from_numpy(np.array([2], np.int32))
        client.async_stream_infer(PRESET, [text, temperature, count])
        assert done.wait(30)
        client.stop_stream()
    (result, error), *others = responses
    assert error is None
    assert not others
    assert result.as_numpy("text_output")[0] == b" Paris."
    assert result.as_numpy("finish_reason")[0] == b"length"


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({}, "exactly one of text_input and messages"),
        ({"text_input": "x", "messages": CAPITAL}, "exactly one"),
        ({"text_input": ""}, "prompt is empty"),
        ({"messages": "{}"}, "messages must be a JSON array"),
        ({"text_input": "x", "temperature": 3}, "temperature must be between 0 and 2"),
        ({"text_input": "x", "max_tokens": 0}, "max_tokens must be at least 1"),
        ({"text_input": "x", "max_tokens": 5000}, "context of 2048 tokens"),
        ({"text_input": "x " * 3000}, "the prompt has"),
    ],
)
def test_bad_requests_are_told_why(served_model, body, complaint):
    _, answer = generate(served_model, **body)
    assert complaint in answer["error"]


def test_stop_strings_and_seeds_are_honoured(served_model):
    story = {"text_input": "Once upon a time", "max_tokens": 24, "temperature": 1, "seed": 11}
    first, second = generate(served_model, **story)[1], generate(served_model, **story)[1]
    assert first["text_output"] == second["text_output"]
    word = first["text_output"].split()[3]
    _, stopped = generate(served_model, **story, stop=word)
    assert stopped["text_output"] == first["text_output"].split(word)[0]
    assert stopped["finish_reason"] == "stop"


def test_load_is_exported_as_metrics(served_model):
    before = metric(served_model, "chat_lm_completion_tokens")
    generate(served_model, text_input="Once", temperature=0, max_tokens=5)
    deadline = time.monotonic() + 10  # the answer is sent before it is counted
    while metric(served_model, "chat_lm_completion_tokens") != before + 5:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    for name in ("waiting_requests", "running_requests", "cached_tokens"):
        assert metric(served_model, f"chat_lm_{name}") == 0
    assert metric(served_model, "chat_lm_prompt_tokens") > 0


def test_termination_lets_a_stream_finish_and_exits_cleanly(expendable_model):
    answers = []
    body = {"text_input": "Once upon a time", "temperature": 0, "max_tokens": 60}
    asking = threading.Thread(target=lambda: answers.append(generate(expendable_model, **body)))
    asking.start()
    running = f'chat_lm_running_requests{{model="{PRESET}"}} 1'
    while running not in metrics(expendable_model):
        assert asking.is_alive()
        time.sleep(0.01)
    expendable_model.process.send_signal(signal.SIGTERM)
    asking.join()
    assert answers[0][1]["completion_tokens"] == 60
    assert expendable_model.process.wait(15) == 0


def test_a_corrupt_artefact_is_named_when_the_model_is_loaded(
    triton_installation_for_tests, model_repository, tmp_path
):
    repository = tmp_path / "models"
    shutil.copytree(model_repository, repository, copy_function=os.link)
    template = repository / PRESET / "1" / "chat_template.jinja"
    content = template.read_text()
    template.unlink()  # it is a link to the artefact that other tests use
    template.write_text(content.swapcase())
    with started_triton(triton_installation_for_tests, repository, tmp_path / "log") as started:
        assert started.process.wait(30) == 1
        assert "chat_template.jinja is corrupt" in started.log.read_text(errors="replace")
