"""``chat``: talk to a workspace's model."""

import asyncio
import sys

from rich.console import Console

from api.names import workspace_name
from api.v1 import workspace_pb2 as pb
from engine.phase import Phase
from engine.workspace import WorkspaceRef
from moorage.client import connected
from moorage.failure import Failure
from moorage.gateway import Message, Sampling, Speed, gateway
from moorage.terminal import notes, results


def chat(
    address: str, ref: WorkspaceRef, text: str | None, sampling: Sampling, *, key: str | None
) -> None:
    """One question and its answer, or a conversation until the end of the input."""
    workspace = asyncio.run(answering(address, ref))
    if text is None and not sys.stdin.isatty():
        text = sys.stdin.read()
    if text is not None:
        said: list[Message] = [{"role": "user", "content": text}]
        asyncio.run(say(workspace, said, sampling, key))
        return
    _converse(workspace, sampling, key)


def _converse(workspace: pb.Workspace, sampling: Sampling, key: str | None) -> None:
    notes().print("an empty line or Ctrl-D ends the conversation", style="dim")
    said: list[Message] = []
    while question := _question():
        said.append({"role": "user", "content": question})
        answer = asyncio.run(say(workspace, said, sampling, key))
        said.append({"role": "assistant", "content": answer})


def _question() -> str:
    try:
        return Console().input("[bold]> [/bold]").strip()
    except EOFError:
        return ""


async def say(
    workspace: pb.Workspace, said: list[Message], sampling: Sampling, key: str | None = None
) -> str:
    """Prints the answer as it comes, then its speed; returns it."""
    console, pieces = results(), []
    async with gateway(workspace.endpoints.http, workspace.plan.preset, key) as model:
        async for piece in model.stream(said, sampling):
            if isinstance(piece, Speed):
                console.print()
                notes().print(speed_line(piece), style="dim")
            else:
                pieces.append(piece)
                console.print(piece, end="", markup=False, soft_wrap=True)
    return "".join(pieces)


def speed_line(speed: Speed) -> str:
    return (
        f"{speed.tokens_per_second:.0f} tokens/s "
        f"({speed.completion_tokens} tokens; the first after {speed.first_token_seconds:.2f} s)"
    )


async def answering(address: str, ref: WorkspaceRef) -> pb.Workspace:
    """The workspace, if it is expected to answer. Raises Failure otherwise."""
    async with connected(address) as client:
        workspace = await client.get(workspace_name(ref))
    if workspace.phase not in {Phase.READY, Phase.DEGRADED, Phase.UPDATING}:
        waiting = workspace.waiting_for or workspace.message
        raise Failure(
            f"{ref} does not answer yet: it is {workspace.phase}"
            + (f", waiting for {waiting}" if workspace.waiting_for else f": {waiting}"),
            details=[f"`moorage watch {ref.name} -n {ref.namespace} --until Ready` waits for it"],
        )
    if not workspace.endpoints.http:
        raise Failure(f"{ref} has no endpoint yet: `moorage explain {ref.name}` tells why")
    return workspace
