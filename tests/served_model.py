"""The real model in a real Triton, for the tests of everything before and behind it.

The first use downloads and converts (see README); later ones take some four seconds to start.
"""

import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import platformdirs
import psutil
import pytest

from simulator.kubelet import triton_installation
from simulator.kubelet.triton_installation import TritonInstallation, remove_shared_memory
from workloads.weights.build import Build, ensure_entry
from workloads.weights.presets import FETCHABLE

PRESET = "smollm2-135m-instruct"
START_TIMEOUT_SECONDS = 60
ROWS, WAITING = 3, 2  # small, so that tests can fill them


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    name: str
    http: str
    grpc: str
    metrics: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def stub(self) -> psutil.Process:
        """The process that runs the model's Python."""
        return psutil.Process(self.process.pid).children()[0]

    def is_ready(self) -> bool:
        """Triton's own word, which says nothing of the process that runs the model.

        Metrics are asked too, since they are served last.
        """
        return _answers(f"http://{self.http}/v2/models/{self.name}/ready") and _answers(
            f"http://{self.metrics}/metrics"
        )


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return response.status == 200
    except urllib.error.HTTPError as error:
        error.close()
        return False
    except OSError:
        return False


def cache_directory() -> Path:
    told = os.environ.get("MOORAGE_CACHE_DIR")
    return Path(told) if told else platformdirs.user_cache_path("moorage")


@pytest.fixture(scope="session")
def triton_installation_for_tests() -> TritonInstallation:
    if (reason := triton_installation.unsupported_reason()) is not None:
        pytest.skip(reason)
    return triton_installation.install(cache_directory(), print)


@pytest.fixture(scope="session")
def model_repository(tmp_path_factory) -> Path:
    repository = tmp_path_factory.mktemp("models")
    cache = cache_directory() / "weights"
    build = Build(preset=PRESET, weights=FETCHABLE[PRESET], repository=repository, cache=cache)
    ensure_entry(build, print)
    config = repository / PRESET / "config.pbtxt"
    text = config.read_text()
    for key, value in {"rows": ROWS, "waiting": WAITING}.items():
        text, found = re.subn(rf'(key: "{key}".*?string_value: )"\d+"', rf'\1"{value}"', text)
        assert found == 1, key
    config.write_text(text)
    return repository


@pytest.fixture(scope="session")
def served_model(triton_installation_for_tests, model_repository, tmp_path_factory):
    """One Triton for all tests that leave it as they found it."""
    log = tmp_path_factory.mktemp("triton") / "log"
    with running_triton(triton_installation_for_tests, model_repository, log) as served:
        yield served


@pytest.fixture
def expendable_model(triton_installation_for_tests, model_repository, tmp_path):
    """A Triton of its own, for a test that breaks or stops it."""
    log = tmp_path / "log"
    with running_triton(triton_installation_for_tests, model_repository, log) as served:
        yield served


@contextmanager
def running_triton(
    installation: TritonInstallation, repository: Path, log: Path
) -> Iterator[ServedModel]:
    with started_triton(installation, repository, log) as served:
        wait_until_ready(served)
        yield served


@contextmanager
def started_triton(
    installation: TritonInstallation,
    repository: Path,
    log: Path,
    environment: Mapping[str, str] | None = None,
) -> Iterator[ServedModel]:
    http, grpc, metrics = free_ports(3)
    prefix = f"moorage_test_{http}_"
    arguments = [
        f"--model-repository={repository}",
        *("--http-address=127.0.0.1", f"--http-port={http}"),
        *("--grpc-address=127.0.0.1", f"--grpc-port={grpc}"),
        *("--metrics-address=127.0.0.1", f"--metrics-port={metrics}"),
        *("--model-control-mode=explicit", f"--load-model={PRESET}", "--exit-timeout-secs=20"),
    ]
    command = installation.command(arguments, shared_memory_prefix=prefix)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env={**installation.environment, **(environment or {})},
            stdout=output,
            stderr=output,
        )
    try:
        yield ServedModel(
            name=PRESET,
            http=f"127.0.0.1:{http}",
            grpc=f"127.0.0.1:{grpc}",
            metrics=f"127.0.0.1:{metrics}",
            process=process,
            log=log,
        )
    finally:
        _stop(process)
        remove_shared_memory(prefix)


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def wait_until_ready(served: ServedModel) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not served.is_ready():
        if served.process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"Triton did not start:\n{served.log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ends the server with its stub, at once: how it drains is a test's matter."""
    if process.poll() is None:
        children = psutil.Process(process.pid).children(recursive=True)
        for child in children:
            child.kill()
        process.send_signal(signal.SIGKILL)
    process.wait(10)
