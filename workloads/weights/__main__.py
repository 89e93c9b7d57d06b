"""``python -m workloads.weights --preset=NAME --model-repository=DIR``."""

import argparse
import os
import signal
import sys
from pathlib import Path

from triton_models.conversion.checkpoint import UnsupportedWeights

from .build import Build, ensure_entry
from .download import FetchError
from .presets import FETCHABLE

CACHE_VARIABLE = "MOORAGE_WEIGHTS_CACHE"


def main(arguments: list[str] | None = None) -> int:
    """0 once the entry is complete; 1 where it could not be made; 2 for what cannot be fetched."""
    options = _parser().parse_args(arguments)
    weights = FETCHABLE.get(options.preset)
    if weights is None:
        _complain(
            f"the weights of preset {options.preset!r} can't be fetched yet; "
            f"this version fetches those of {', '.join(sorted(FETCHABLE))}"
        )
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    build = Build(
        preset=options.preset,
        weights=weights,
        repository=options.model_repository,
        cache=options.weights_cache,
    )
    try:
        ensure_entry(build, _log)
    except (FetchError, UnsupportedWeights, OSError) as error:
        _complain(f"the weights of preset {options.preset!r} could not be made ready: {error}")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="workloads.weights", description=__doc__)
    parser.add_argument("--preset", required=True)
    parser.add_argument("--model-repository", required=True, type=Path)
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
