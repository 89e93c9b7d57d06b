"""``models``: makes what Triton serves."""

from pathlib import Path

from moorage.failure import ExitCode, Failure
from moorage.terminal import notes, results
from moorage.views.conversion_progress import conversion_progress
from triton_models.chat_lm.generation.manifest import Precision
from triton_models.conversion.checkpoint import UnsupportedWeights
from workloads.weights.build import Build, ensure_entry
from workloads.weights.download import FetchError
from workloads.weights.local import local_weights


def build(
    source: Path,
    repository: Path,
    *,
    name: str | None,
    precision: Precision,
    context_length: int | None,
    licence: str | None,
) -> None:
    """Prints the entry's folder once it is complete. Raises Failure."""
    console = notes()
    name = name or _name_of(source.resolve())
    try:
        wanted = Build(
            preset=name,
            weights=local_weights(source, licence=licence),
            repository=repository,
            cache=None,
            precision=precision,
            context_length=context_length,
        )
        with conversion_progress(name) as on_progress:
            ensure_entry(wanted, lambda line: console.print(line, style="dim"), on_progress)
    except (FetchError, UnsupportedWeights) as error:
        raise Failure(f"{source}: {error}", exit_code=ExitCode.INVALID) from error
    except OSError as error:
        raise Failure(f"{name} could not be built in {repository}: {error}") from error
    results().out(str(wanted.entry))


def _name_of(source: Path) -> str:
    return source.name if source.is_dir() else source.stem
