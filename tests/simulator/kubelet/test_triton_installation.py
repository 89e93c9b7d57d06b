"""When Triton is installed, missing, or cannot be; that it runs is tested with the model."""

import json
import platform
import sys

import pytest

from simulator.kubelet import triton_installation
from simulator.kubelet.triton_installation import InstallationError, find, install


@pytest.fixture
def supported():
    if (reason := triton_installation.unsupported_reason()) is not None:
        pytest.skip(reason)


def test_nothing_is_found_in_an_empty_cache_and_nothing_is_made(tmp_path):
    assert find(tmp_path) is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [None, "", "{}", '{"server": "nvidia-pytriton==0.6.0"}'])
def test_an_unfinished_or_outdated_installation_is_not_found(tmp_path, content):
    root = triton_installation._root(tmp_path)
    root.mkdir(parents=True)
    if content is not None:
        (root / "complete.json").write_text(content)
    assert find(tmp_path) is None


def test_the_marker_is_what_makes_it_complete(tmp_path):
    root = triton_installation._root(tmp_path)
    root.mkdir(parents=True)
    triton_installation._mark_complete(root)
    assert json.loads((root / "complete.json").read_text())["release"] == "24.10"
    found = find(tmp_path)
    assert found is not None
    assert found.server.is_relative_to(root)


def test_a_complete_installation_is_used_as_it_is(supported, tmp_path):
    triton_installation._root(tmp_path).mkdir(parents=True)
    triton_installation._mark_complete(triton_installation._root(tmp_path))
    lines: list[str] = []
    assert install(tmp_path, lines.append) == find(tmp_path)
    assert lines == []


def test_a_failed_step_says_what_failed_and_leaves_no_complete_installation(
    supported, tmp_path, monkeypatch
):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    lines: list[str] = []
    with pytest.raises(InstallationError, match=r"/bin/false -m venv .* exited with 1"):
        install(tmp_path, lines.append)
    assert find(tmp_path) is None
    assert lines == ["Triton runtime: creating a private Python environment"]


def test_the_runtime_comes_first_on_the_path(triton_installation_for_tests):
    first = triton_installation_for_tests.environment["PATH"].split(":")[0]
    assert first.endswith("runtime/bin")
    assert triton_installation_for_tests.environment["LD_LIBRARY_PATH"]


def test_the_command_names_backends_and_shared_memory(triton_installation_for_tests):
    command = triton_installation_for_tests.command(["--x=1"], shared_memory_prefix="mine_")
    assert command[0] == str(triton_installation_for_tests.server)
    assert "--backend-config=python,shm-region-prefix-name=mine_" in command
    assert command[-1] == "--x=1"


@pytest.mark.parametrize(
    ("patched", "answer", "told"),
    [
        ("system", "Darwin", "Linux on x86-64; this is Darwin"),
        ("machine", "aarch64", "Linux on x86-64; this is Linux on aarch64"),
        ("libc_ver", ("glibc", "2.31"), "glibc 2.35 or later; this system has 2.31"),
        ("libc_ver", ("", ""), "this system has none"),
    ],
)
def test_machines_that_cannot_run_it_are_told_why(monkeypatch, tmp_path, patched, answer, told):
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(platform, patched, lambda: answer)
    assert told in triton_installation.unsupported_reason()
    with pytest.raises(InstallationError, match="Triton"):
        install(tmp_path, print)


def test_a_python_beyond_numpy_1_is_told_why(supported, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 13, 0, "final", 0))
    assert "Python 3.11 or 3.12" in triton_installation.unsupported_reason()


def test_a_python_without_shared_library_is_told_why(supported, monkeypatch):
    monkeypatch.setattr(triton_installation, "_shared_python_directory", lambda: None)
    assert "libpython" in triton_installation.unsupported_reason()
