"""Takes the picture of the live table that the README shows: ``python -m moorage.pictures``.

Nothing in it is made up: a stack is started, the examples are applied to it, and the table is
taken at a moment when every kind of row is there. Only GPUs take longer than by default, so
that they are still awaited then.
"""

import asyncio
import io
import re
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console, RenderableType

from api.v1 import workspace_pb2 as pb
from engine.phase import Phase
from moorage.client import connected
from moorage.commands.changing import applied
from moorage.examples import example
from moorage.following import Subject, follow
from moorage.installation import cache_directory, prepare
from moorage.manifests import read_manifests
from moorage.stack import StackSettings, embedded_stack
from moorage.views.workspaces import live_table, plain_name
from simulator.timings import Timings

FOLDER = Path(__file__).parents[1] / "docs" / "images"
COLUMNS = 112
PATIENCE_SECONDS = 100.0
SLOW_CLOUD = Timings(gpu_registration=120.0)

_FIRST = example("smollm2.yaml")
_SECOND = _FIRST.replace("smollm2\n", "harbour-guide\n", 1)
STEPS = (
    ((_FIRST, example("inference-with-adapter.yaml")), {Phase.READY, Phase.FAILED}),
    ((_SECOND, example("inference.yaml")), {Phase.LOADING, Phase.PROVISIONING}),
)
"""What is applied, and the phases to wait for before going on."""


def main() -> None:
    prepare(cache_directory())
    with TemporaryDirectory(prefix="moorage-picture-") as directory:
        table = asyncio.run(_table(Path(directory)))
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "workspaces.svg").write_text(_svg(table, title="moorage up"), encoding="utf-8")


async def _table(directory: Path) -> RenderableType:
    settings = StackSettings(
        state_directory=directory, cache_directory=cache_directory(), timings=SLOW_CLOUD
    )
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        embedded_stack(settings) as stack,
        connected(stack.endpoints["grpc"]) as client,
        aclosing(follow(client, Subject())) as news,
    ):
        wanted: set[Phase] = set()
        for texts, phases in STEPS:
            for text in texts:
                await applied(client, *read_manifests(text, namespace="default"))
            wanted |= phases
            async for picture in news:
                if wanted <= _phases(picture.workspaces.values()):
                    break
        return live_table(_in_order(picture.workspaces.values()), now=datetime.now(UTC))


def _phases(workspaces: Iterable[pb.Workspace]) -> set[str]:
    return {workspace.phase for workspace in workspaces}


def _in_order(workspaces: Iterable[pb.Workspace]) -> Sequence[pb.Workspace]:
    return sorted(workspaces, key=plain_name)


def _svg(view: RenderableType, *, title: str) -> str:
    """Without rich's links to web fonts: the picture must not load anything."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(view)
    return re.sub(r"@font-face \{.*?\}\s*", "", console.export_svg(title=title), flags=re.DOTALL)


if __name__ == "__main__":
    main()
