"""What can be known of the image without building it."""

import re
import tomllib
from pathlib import Path

import pytest

from simulator.kubelet.triton_installation import (
    RUNTIME_PACKAGES,
    SERVER_PACKAGE,
    TRITON_RELEASE,
)

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "deploy" / "images" / "triton.Dockerfile").read_text()


def test_it_is_the_release_that_is_tested_here():
    assert re.findall(r"^FROM (.*)$", TEXT, re.MULTILINE) == [
        f"nvcr.io/nvidia/tritonserver:{TRITON_RELEASE}-py3"
    ]
    assert SERVER_PACKAGE in TEXT


def test_its_runtime_is_that_of_locally_run_pods_with_the_gpu_extra():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    local = [one for one in RUNTIME_PACKAGES if not one.startswith("onnxruntime")]
    expected = {*local, *project["optional-dependencies"]["gpu"]}
    assert set(re.findall(r'"([\w-]+[=<>][^"]*)"', TEXT)) == expected


@pytest.mark.parametrize("mention", [r"install-dir \S+ (\S+)", r"cpython-(\S+?)-linux"])
def test_every_mention_of_its_python_is_of_the_same_one(mention):
    assert set(re.findall(mention, TEXT)) == {"3.11.18"}
