"""Makes a model's artefacts from its weights: graphs, tokenizer, chat template, manifest."""

import math
from collections.abc import Callable, Mapping
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
from .hugging_face_checkpoint import HuggingFaceCheckpoint

Progress = Callable[[int, int], None]
CONVERTER_VERSION = "2"  # raise it when the same weights would give other artefacts


def open_checkpoint(weights: Path, *, context_length: int | None = None) -> Checkpoint:
    """Opens a Hugging Face folder or a GGUF file.

    ``context_length`` is the longest to be served, in tokens; by default the longest there is.
    Raises UnsupportedWeights, OSError.
    """
    kind = HuggingFaceCheckpoint if weights.is_dir() else GgufCheckpoint
    return kind(weights, context_length=context_length)


def make_artefacts(
    weights: Path,
    directory: Path,
    *,
    source: Source,
    defaults: SamplingDefaults | None = None,
    precision: Precision = Precision.FP32,
    context_length: int | None = None,
    on_progress: Progress = lambda _done, _total: None,
) -> Manifest:
    """Converts ``weights`` into files in the empty ``directory``; the manifest comes last.

    Without ``defaults``, they are what the weights themselves recommend. ``on_progress`` is told
    how many weights were converted, and of how many. Raises UnsupportedWeights before anything is
    written where it can, OSError.
    """
    checkpoint = open_checkpoint(weights, context_length=context_length)
    check_tensors(checkpoint)
    shape = _shape(checkpoint, precision)
    checkpoint.write_language(directory)
    write_graphs(checkpoint, directory, precision, _counted(checkpoint, on_progress))
    manifest = Manifest(
        precision=precision,
        shape=shape,
        defaults=defaults or checkpoint.sampling_defaults,
        source=source,
        made_with={**decided_by(context_length), **_versions()},
        files={path.name: record(path) for path in sorted(directory.iterdir())},
    )
    write_manifest(manifest, directory)
    return manifest


def _counted(checkpoint: Checkpoint, on_progress: Progress) -> Callable[[int], None]:
    total = sum(math.prod(shape) for shape in checkpoint.shapes.values())
    done = 0

    def on_read(values: int) -> None:
        nonlocal done
        done += values
        on_progress(done, total)

    return on_read


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


def decided_by(context_length: int | None) -> Mapping[str, str]:
    """What else than weights and precision decides what they are converted to."""
    return {"converter": CONVERTER_VERSION, "context_length": str(context_length or "longest")}


def _versions() -> Mapping[str, str]:
    return {name: metadata.version(name) for name in ("gguf", "numpy", "onnx", "tokenizers")}
