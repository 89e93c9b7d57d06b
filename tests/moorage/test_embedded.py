"""The commands as their users have them: on a stack of their own, with a model that answers."""

import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from simulator.kubelet.triton_installation import unsupported_reason
from tests.acceptance.moorage_process import MoorageProcess

pytestmark = [
    pytest.mark.timeout(400),  # the first run on a machine downloads
    pytest.mark.skipif(unsupported_reason() is not None, reason=str(unsupported_reason())),
]
MOORAGE = str(Path(sys.executable).with_name("moorage"))


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


def _moorage(*arguments: str, stdin: str | None = None) -> Outcome:
    done = subprocess.run(
        [MOORAGE, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    with MoorageProcess(tmp_path_factory.mktemp("up")) as process:
        process.start()
        yield process
        assert process.stop() == 0
        assert process.output[-1] == "stopped\n"


@pytest.fixture(scope="module")
def moorage(up):
    """Runs a command against that stack, found by its state directory."""

    def run(*arguments: str, stdin: str | None = None) -> Outcome:
        return _moorage(*arguments, "--state-dir", str(up.state_directory), stdin=stdin)

    return run


@pytest.fixture(scope="module")
def smollm2(moorage):
    moorage("apply", "-f", "examples/smollm2.yaml")
    watched = moorage("watch", "smollm2", "--until", "Ready", "--timeout", "200")
    assert watched.code == 0, watched.err
    return "smollm2"


def test_up_prints_every_endpoint_and_then_ready(up):
    lines = [line.strip() for line in up.output]
    assert f"export KUBECONFIG={up.kubeconfig}" in lines
    for name, place in up.endpoints.items():
        assert any(line.split() == [name, place] for line in lines)
    assert lines[-1] == "ready"


def test_a_second_up_on_the_same_state_is_refused(up, moorage):
    refused = moorage("up", "--headless")
    assert refused.code == 2
    assert f"already up on {up.state_directory} (process {up.pid})" in refused.err


def test_get_says_where_the_model_answers(moorage, smollm2):
    assert re.search(r"smollm2 +Ready .* http://127\.64\.", moorage("get").out)


def test_explain_tells_how_it_became_ready(moorage, smollm2):
    explained = moorage("explain", smollm2).out
    for passage in ("Planning → Provisioning", "Deploying → Loading", "Loading → Ready"):
        assert passage in explained


def test_chat_prints_the_answer_alone_and_its_speed_beside_it(moorage, smollm2):
    answered = moorage("chat", smollm2, "What is the capital of France?", "--temperature", "0")
    assert answered.out == "The capital of France is Paris.\n"
    assert re.search(r"\d+ tokens/s \(\d+ tokens; the first after \d+\.\d\d s\)", answered.err)


def test_chat_takes_the_question_from_a_pipe(moorage, smollm2):
    question = "What is the capital of France?"
    answered = moorage("chat", smollm2, "--temperature", "0", "--max-tokens", "5", stdin=question)
    assert answered.out.startswith("The capital")


def test_chat_with_a_simulated_workspace_gets_no_invented_answer(moorage):
    moorage("apply", "-f", "examples/inference.yaml")
    name = "workspace-phi-3-mini"
    early = moorage("chat", name, "hello")
    assert early.code == 1
    assert moorage("watch", name, "--until", "Ready", "--timeout", "60").code == 0
    refused = moorage("chat", name, "hello")
    assert (refused.code, refused.out) == (1, "")
    assert "simulated" in refused.err
    assert moorage("delete", name).code == 0


def test_delete_leaves_nothing(moorage, smollm2):
    deleted = moorage("delete", smollm2)
    assert (deleted.code, deleted.out) == (0, "workspace.kaito.sh/smollm2 deleted\n")
    assert json.loads(moorage("get", "-o", "json").out) == []


def test_demo_goes_the_whole_way_within_a_minute(up):
    """After ``up`` everything is downloaded: it is at least the second run."""
    start = time.monotonic()
    demo = _moorage("demo")
    assert demo.code == 0, demo.err
    assert time.monotonic() - start < 60
    phases = ("Planning", "Provisioning", "Deploying", "Loading", "Ready")
    told = [demo.out.index(f" s  {phase}") for phase in phases]
    assert told == sorted(told)
    assert "weights: " in demo.out
    assert "The capital of France is Paris." in demo.out
    assert re.search(r"\d+ tokens/s", demo.out)
    assert demo.out.rstrip().endswith("nothing is left")
