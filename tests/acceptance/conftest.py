"""Moorage as its users have it: a process of its own, driven through kubectl, gRPC and HTTP."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.kubelet.triton_installation import unsupported_reason
from tests.acceptance.kubectl import Kubectl
from tests.acceptance.moorage_process import MoorageProcess

EXAMPLES = Path(__file__).parents[2] / "examples"

needs_triton = pytest.mark.skipif(
    unsupported_reason() is not None, reason=f"no real Triton here: {unsupported_reason()}"
)


@pytest.fixture(scope="session")
def shared_moorage(tmp_path_factory) -> Iterator[MoorageProcess]:
    """One stack for all tests that leave it as they found it."""
    with MoorageProcess(tmp_path_factory.mktemp("moorage")) as process:
        process.start()
        yield process


@pytest.fixture(scope="session")
def kubectl(shared_moorage, tmp_path_factory) -> Kubectl:
    return Kubectl(shared_moorage.kubeconfig, tmp_path_factory.mktemp("kubectl"))


@pytest.fixture
def own_moorage(tmp_path) -> Iterator[MoorageProcess]:
    """A stack that the test may kill."""
    with MoorageProcess(tmp_path / "state") as process:
        yield process
    shutil.rmtree(tmp_path / "state", ignore_errors=True)


@pytest.fixture
def own_kubectl(own_moorage, tmp_path) -> Kubectl:
    return Kubectl(own_moorage.kubeconfig, tmp_path / "kubectl")


@pytest.fixture(scope="session", autouse=True)
def no_colours() -> None:
    os.environ["NO_COLOR"] = "1"
