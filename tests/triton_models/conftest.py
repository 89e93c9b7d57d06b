from pathlib import Path

import pytest

from tests.triton_models.llama_reference import LlamaReference
from tests.triton_models.tiny_model import write_tiny_gguf
from triton_models.chat_lm.generation.decoder import OnnxDecoder
from triton_models.chat_lm.generation.manifest import (
    MODEL_NAME,
    SamplingDefaults,
    Source,
    read_manifest,
)
from triton_models.chat_lm.generation.text import Language
from triton_models.conversion.artefacts import make_artefacts


@pytest.fixture(scope="session")
def tiny_gguf(tmp_path_factory) -> Path:
    return write_tiny_gguf(tmp_path_factory.mktemp("weights") / "tiny.gguf")


@pytest.fixture(scope="session")
def tiny_artefacts(tiny_gguf, tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("artefacts")
    source = Source(origin="random", file=tiny_gguf.name, sha256="0", licence="Apache-2.0")
    defaults = SamplingDefaults(temperature=0.2, top_p=0.9)
    make_artefacts(tiny_gguf, directory, source=source, defaults=defaults)
    return directory


@pytest.fixture(scope="session")
def reference(tiny_gguf) -> LlamaReference:
    return LlamaReference(tiny_gguf)


@pytest.fixture(scope="session")
def language(tiny_artefacts) -> Language:
    return Language(tiny_artefacts, begin_token=None, end_token=2)


@pytest.fixture
def decoder(tiny_artefacts) -> OnnxDecoder:
    """Three sequences at once."""
    shape = read_manifest(tiny_artefacts).shape
    model = tiny_artefacts / MODEL_NAME
    return OnnxDecoder(model, shape, rows=3, context_length=64, threads=1)
