"""Makes a model's artefacts from its weights: graphs, tokenizer, chat template, manifest."""

from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from triton_models.chat_lm.generation.manifest import (
    Manifest,
    ModelShape,
    Precision,
    SamplingDefaults,
    Source,
    record,
    write_manifest,
)

from .checkpoint import Checkpoint, check_tensors
from .decoder_graph import write_graphs
from .gguf_checkpoint import GgufCheckpoint

CONVERTER_VERSION = "2"  # raise it when the same weights would give other artefacts


def make_artefacts(
    weights: Path,
    directory: Path,
    *,
    source: Source,
    defaults: SamplingDefaults,
    precision: Precision = Precision.FP32,
) -> Manifest:
    """Converts ``weights`` into files in the empty ``directory``; the manifest comes last.

    Raises UnsupportedWeights, OSError.
    """
    checkpoint = GgufCheckpoint(weights)
    check_tensors(checkpoint)
    checkpoint.write_language(directory)
    write_graphs(checkpoint, directory, precision)
    manifest = Manifest(
        precision=precision,
        shape=_shape(checkpoint, precision),
        defaults=defaults,
        source=source,
        made_with=_made_with(),
        files={path.name: record(path) for path in sorted(directory.iterdir())},
    )
    write_manifest(manifest, directory)
    return manifest


def _shape(checkpoint: Checkpoint, precision: Precision) -> ModelShape:
    network, ends = checkpoint.network, checkpoint.text_ends
    return ModelShape(
        layers=len(network.layers),
        key_value_heads=network.key_value_heads,
        head_size=network.head_size,
        context_length=network.context_length,
        vocabulary_size=network.vocabulary_size,
        float_type=precision.float_type,
        sliding_windows=tuple(layer.sliding_window for layer in network.layers),
        begin_token=ends.begin_token,
        end_tokens=ends.end_tokens,
        linears=network.linears,
    )


def _made_with() -> Mapping[str, str]:
    packages = {name: metadata.version(name) for name in ("gguf", "numpy", "onnx", "tokenizers")}
    return {"converter": CONVERTER_VERSION, **packages}
