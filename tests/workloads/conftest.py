import contextlib
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.served_model import PRESET, free_ports


@dataclass(frozen=True)
class RunningGateway:
    url: str
    process: subprocess.Popen[bytes]


@contextlib.contextmanager
def running_gateway(triton: str, log, *options: str) -> Iterator[RunningGateway]:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    command = [sys.executable, "-m", "workloads.gateway", f"--listen={address}"]
    command += [f"--triton={triton}", f"--model={PRESET}", *options]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        _wait_until_it_listens(f"http://{address}/metrics", process, log)
        yield RunningGateway(url=f"http://{address}", process=process)
    finally:
        process.kill()
        process.wait(10)


def _wait_until_it_listens(url, process, log) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
            return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    pytest.fail(f"the gateway did not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def gateway(served_model, tmp_path_factory) -> Iterator[RunningGateway]:
    """One gateway before the shared Triton, for all tests that leave both as they found them."""
    log = tmp_path_factory.mktemp("gateway") / "log"
    with running_gateway(served_model.grpc, log) as running:
        yield running
