"""The real thing to measure: the small model in Triton, and a gateway before it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from simulator.kubelet import triton_installation
from tests.served_model import (
    PRESET,
    ServedModel,
    cache_directory,
    started_triton,
    wait_until_ready,
)
from tests.workloads.conftest import running_gateway
from triton_models.chat_lm.generation.manifest import Precision
from workloads.weights.build import Build, ensure_entry
from workloads.weights.presets import FETCHABLE

_NOTES = Console(stderr=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """``model`` is the folder of the model's files; ``url`` is the gateway's."""

    triton: ServedModel
    url: str
    model: Path


@contextmanager
def model_repository(precision: Precision = Precision.FP32) -> Iterator[Path]:
    """Triton's model repository with the small model, converted before if need be."""
    with TemporaryDirectory(prefix="moorage-benchmark-") as directory:
        build = Build(
            preset=PRESET,
            weights=FETCHABLE[PRESET],
            repository=Path(directory),
            cache=cache_directory() / "weights",
            precision=precision,
        )
        ensure_entry(build, _NOTES.print)
        yield build.repository


@contextmanager
def stack(repository: Path, environment: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """Triton and a gateway, until the block ends. ``environment`` is added to Triton's."""
    installation = triton_installation.install(cache_directory(), _NOTES.print)
    with TemporaryDirectory(prefix="moorage-benchmark-logs-") as directory:
        logs = Path(directory)
        with started_triton(installation, repository, logs / "triton", environment) as triton:
            wait_until_ready(triton)
            with running_gateway(triton.grpc, logs / "gateway") as gateway:
                yield Stack(triton=triton, url=gateway.url, model=repository / PRESET / "1")
