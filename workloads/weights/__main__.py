"""``python -m workloads.weights --preset=NAME --model-repository=DIR``.

Fetches the preset's weights or, with ``--source``, takes those of a folder or file, and converts
them to what Triton loads.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

from triton_models.chat_lm.generation.manifest import Precision
from triton_models.conversion.checkpoint import UnsupportedWeights

from .build import Build, ensure_entry
from .download import FetchError
from .local import local_weights
from .presets import FETCHABLE

CACHE_VARIABLE = "MOORAGE_WEIGHTS_CACHE"


def main(arguments: list[str] | None = None) -> int:
    """0 once the entry is complete; 1 where it could not be made; 2 for what cannot be fetched."""
    options = _parser().parse_args(arguments)
    if options.source is None and options.preset not in FETCHABLE:
        _complain(
            f"the weights of preset {options.preset!r} can't be fetched yet; this version fetches "
            f"those of {', '.join(sorted(FETCHABLE))}, and takes others from --source"
        )
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        ensure_entry(_build(options), _log)
    except (FetchError, UnsupportedWeights, OSError) as error:
        _complain(f"the weights of preset {options.preset!r} could not be made ready: {error}")
        return 1
    return 0


def _build(options: argparse.Namespace) -> Build:
    weights = (
        FETCHABLE[options.preset]
        if options.source is None
        else local_weights(options.source, licence=options.licence)
    )
    return Build(
        preset=options.preset,
        weights=weights,
        repository=options.model_repository,
        cache=options.weights_cache,
        precision=options.precision,
        context_length=options.context_length,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="workloads.weights", description=__doc__)
    parser.add_argument("--preset", required=True, help="what the model is called")
    parser.add_argument("--model-repository", required=True, type=Path)
    parser.add_argument(
        "--source",
        type=Path,
        help="a Hugging Face folder or a GGUF file (default: the preset's weights are fetched)",
    )
    parser.add_argument("--licence", help="of the source's weights (default: as they say)")
    parser.add_argument(
        "--precision", type=Precision, choices=list(Precision), default=Precision.FP32
    )
    parser.add_argument(
        "--context-length",
        type=int,
        help="the longest to be served, in tokens (default: the longest there is)",
    )
    cache = os.environ.get(CACHE_VARIABLE)
    parser.add_argument(
        "--weights-cache",
        type=Path,
        default=Path(cache) if cache else None,
        help=f"keeps converted weights for later runs (default: the variable {CACHE_VARIABLE})",
    )
    return parser


def _log(line: str) -> None:
    print(f"weights: {line}", flush=True)  # noqa: T201 - the container's log


def _complain(line: str) -> None:
    print(f"weights: {line}", file=sys.stderr, flush=True)  # noqa: T201 - the container's log


if __name__ == "__main__":
    sys.exit(main())
