"""Makes a model's artefacts from its weights: graph, tokenizer, chat template, manifest."""

from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from triton_models.chat_lm.generation.decoder import MODEL_NAME
from triton_models.chat_lm.generation.manifest import (
    Manifest,
    SamplingDefaults,
    Source,
    record,
    write_manifest,
)

from .gguf_language import write_language
from .gguf_weights import GgufWeights
from .llama_graph import write_llama

CONVERTER_VERSION = "1"  # raise it when the same weights would give other artefacts
PRECISION = "fp32"


def make_artefacts(
    weights_file: Path, directory: Path, *, source: Source, defaults: SamplingDefaults
) -> Manifest:
    """Converts ``weights_file`` into files in the empty ``directory``; the manifest comes last.

    Raises UnsupportedWeights, OSError.
    """
    weights = GgufWeights(weights_file)
    write_llama(weights, directory / MODEL_NAME)
    write_language(weights, directory)
    manifest = Manifest(
        precision=PRECISION,
        shape=weights.geometry.served,
        defaults=defaults,
        source=source,
        made_with=_made_with(),
        files={path.name: record(path) for path in sorted(directory.iterdir())},
    )
    write_manifest(manifest, directory)
    return manifest


def _made_with() -> Mapping[str, str]:
    packages = {name: metadata.version(name) for name in ("gguf", "numpy", "onnx", "tokenizers")}
    return {"converter": CONVERTER_VERSION, **packages}
