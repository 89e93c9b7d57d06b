"""``demo``: the whole path, from a manifest to a model's words, and back to nothing."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.text import Text

from api.names import workspace_name
from api.v1 import workspace_pb2 as pb
from engine.phase import Phase
from moorage.client import Client, connected
from moorage.commands.changing import applied
from moorage.commands.chat import speed_line
from moorage.commands.up import StackOptions, running
from moorage.commands.watching import gone
from moorage.examples import example
from moorage.failure import Failure
from moorage.following import Picture, Subject, follow
from moorage.gateway import Sampling, Speed, gateway
from moorage.installation import cache_directory, prepare
from moorage.manifests import Manifest, read_manifests
from moorage.pod_log import weights_log_shown
from moorage.signals import until_signal
from moorage.stack import EmbeddedStack
from moorage.state_directory import claimed
from moorage.terminal import results
from moorage.views.explanation import explanation_view
from moorage.views.phases import phase_text

EXAMPLE = "smollm2.yaml"
READY_SECONDS = 900.0
"""The first run downloads and converts the model's weights."""

GONE_SECONDS = 120.0
STORY = "Tell me a short story about a ship that comes home."


def demo(state_directory: Path | None, *, question: str, keep_running: bool) -> None:
    with _directory(state_directory) as directory, claimed(directory):
        prepare(cache_directory())
        work = _demo(directory, question, keep_running=keep_running)
        ended = asyncio.run(until_signal(work))
    if not ended and not keep_running:
        raise Failure("interrupted before its end")


@contextmanager
def _directory(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given.resolve()
        return
    with TemporaryDirectory(prefix="moorage-demo-") as temporary:
        yield Path(temporary)


async def _demo(directory: Path, question: str, *, keep_running: bool) -> None:
    text = example(EXAMPLE)
    (manifest,) = read_manifests(text, namespace="default")
    console = results()
    _heading(console, "starting a simulated Kubernetes cluster, and Moorage on it")
    async with (
        running(directory, StackOptions()) as stack,
        connected(stack.endpoints["grpc"]) as client,
    ):
        for name, place in stack.endpoints.items():
            console.print(f"  {name:<10}  {place}")
        _heading(console, f"applying examples/{EXAMPLE}")
        console.print(Text(text.rstrip(), style="dim"))
        async with weights_log_shown(stack.endpoints["kubernetes"], manifest.ref, _show_log):
            workspace = await _brought_up(client, manifest)
        await _ask(console, workspace, question)
        if keep_running:
            _hand_over(console, stack, workspace)
            await asyncio.Event().wait()
        _heading(console, "deleting it: workspace, pods, node")
        await client.delete(workspace.name)
        await gone(client, _subject(manifest), GONE_SECONDS, console)
        console.print("  nothing is left")


def _subject(manifest: Manifest) -> Subject:
    return Subject(namespace=manifest.ref.namespace, name=manifest.ref.name)


async def _brought_up(client: Client, manifest: Manifest) -> pb.Workspace:
    """The ready workspace. Raises Failure, having explained, where it does not become ready."""
    _, warnings = await applied(client, manifest)
    for warning in warnings:
        results().print(f"Warning: {warning}", style="yellow")
    try:
        async with (
            asyncio.timeout(READY_SECONDS),
            aclosing(follow(client, _subject(manifest))) as news,
        ):
            return await _shown_until_ready(news)
    except (Failure, TimeoutError) as error:
        explanation = await client.explain(workspace_name(manifest.ref))
        results().print(explanation_view(str(manifest.ref), explanation, now=datetime.now(UTC)))
        raise Failure(str(error) or f"not ready after {READY_SECONDS:g} s") from error


async def _shown_until_ready(news: AsyncIterator[Picture]) -> pb.Workspace:
    """Shows each phase as it is entered, and on a terminal what the current one waits for."""
    console, start = results(), time.monotonic()
    shown = 0
    with console.status("accepted") as status:
        async for picture in news:
            for workspace in picture.workspaces.values():
                passages = workspace.history[shown:]
                for passage in passages:
                    after = f"  {time.monotonic() - start:5.1f} s  "
                    line = Text(after).append_text(phase_text(passage.destination))
                    console.print(line.append(f"  {passage.message}", style="dim"))
                shown += len(passages)
                status.update(Text(f"{workspace.phase}: {workspace.message}"))
                if workspace.phase == Phase.READY:
                    return workspace
                if workspace.phase == Phase.FAILED:
                    raise Failure(f"{workspace.message} [{workspace.reason}]")
    raise AssertionError  # the stream has no end


def _show_log(line: str) -> None:
    """What is downloaded, among other things."""
    results().print(Text(f"           {line}", style="dim"))


async def _ask(console: Console, workspace: pb.Workspace, question: str) -> None:
    """An answer through ``/chat``; and a longer one, streamed, whose speed can be measured."""
    url = workspace.endpoints.http
    _heading(console, f"asking the model: POST {url}/chat")
    async with gateway(url, workspace.plan.preset) as model:
        console.print(f"  > {question}", markup=False)
        answer = await model.chat(question, temperature=0)
        console.print(Text(f"  {answer.strip()}", style="bold green"))
        _heading(console, f"and for a story, streamed: POST {url}/v1/chat/completions")
        messages = [{"role": "user", "content": STORY}]
        async for piece in model.stream(messages, Sampling(max_tokens=96, temperature=0)):
            if isinstance(piece, Speed):
                console.print(f"\n  {speed_line(piece)}, as this client saw it")
            else:
                console.print(Text(piece, style="green"), end="", soft_wrap=True)


def _hand_over(console: Console, stack: EmbeddedStack, workspace: pb.Workspace) -> None:
    name = workspace.name.rpartition("/")[2]
    _heading(console, "it keeps running until Ctrl-C; from another terminal:")
    console.print(f"  export KUBECONFIG={stack.kubeconfig}", markup=False)
    console.print(f"  export MOORAGE_SERVER={stack.endpoints['grpc']}", markup=False)
    console.print("  kubectl get workspaces")
    console.print(f"  moorage chat {name}")


def _heading(console: Console, text: str) -> None:
    console.print(f"\n{text}", style="bold", markup=False)
