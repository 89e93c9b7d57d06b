"""``bench``: how fast a workspace's model answers."""

import asyncio
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path

from rich.live import Live

from api.v1 import workspace_pb2 as pb
from engine.workspace import WorkspaceRef
from moorage.commands.chat import answering
from moorage.failure import Failure
from moorage.gateway import gateway
from moorage.load import Level, Workload, measure
from moorage.options import TextFormat
from moorage.terminal import notes, print_table, results
from moorage.views.documents import document
from moorage.views.load import drawing, load_table


def bench(
    address: str,
    ref: WorkspaceRef,
    streams: str,
    workload: Workload,
    *,
    key: str | None,
    output: TextFormat,
    plot: Path | None,
) -> None:
    """Asks with so many clients at once, in turn; tells and draws what they saw."""
    numbers = _numbers(streams)
    workspace = asyncio.run(answering(address, ref))
    levels = asyncio.run(_measured(workspace, ref, numbers, workload, key))
    if output is TextFormat.TEXT:
        print_table(load_table(str(ref), levels))
    else:
        results().out(document([asdict(level) for level in levels], output))
    if plot is not None:
        title = f"{ref} on {workspace.plan.instance_type}"
        plot.write_text(drawing(title, levels), encoding="utf-8")
        notes().print(f"drawn in {plot}", style="dim")


async def _measured(
    workspace: pb.Workspace,
    ref: WorkspaceRef,
    numbers: list[int],
    workload: Workload,
    key: str | None,
) -> list[Level]:
    """Shows each level as it is done."""
    found: list[Level] = []
    async with gateway(workspace.endpoints.http, workspace.plan.preset, key) as model:
        with Live(console=notes(), transient=True) as live:
            async with aclosing(measure(model, numbers, workload)) as levels:
                async for level in levels:
                    found.append(level)
                    live.update(load_table(str(ref), found))
    return found


def _numbers(text: str) -> list[int]:
    """Raises Failure."""
    try:
        numbers = [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or min(numbers) < 1:
        raise Failure(f"--streams {text}: numbers from 1 on, separated by commas, are wanted")
    return numbers
