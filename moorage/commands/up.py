"""``up``: the embedded stack, until somebody stops it."""

import asyncio
import shlex
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from engine.instance_types import INSTANCE_TYPES
from engine.provisioning import Provisioner
from moorage.client import connected
from moorage.commands.watching import draw
from moorage.controllers import NodeApi
from moorage.failure import ExitCode, Failure
from moorage.following import Subject, follow
from moorage.installation import cache_directory, prepare
from moorage.signals import until_signal
from moorage.stack import EmbeddedStack, StackSettings, embedded_stack
from moorage.state_directory import claimed, default_state_directory
from moorage.terminal import results
from simulator.azure.offers import Offers
from simulator.azure.timings import AzureTimings
from simulator.timings import Timings

SPOT = "spot"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackOptions:
    """Where the stack listens; 0 takes a free port. ``delays`` scales the simulated world's.

    ``quota`` has vCPUs by family of instance types, and by ``spot`` for all of these.
    """

    listen: str = "127.0.0.1"
    kubernetes: int = 0
    grpc: int = 0
    delays: float = 1.0
    provisioner: Provisioner = Provisioner.NODE_CLAIM
    node_api: NodeApi = NodeApi.NODE_CLAIM
    quota: Mapping[str, int] = field(default_factory=dict)


def up(state_directory: Path | None, options: StackOptions, *, headless: bool) -> None:
    directory = (state_directory or default_state_directory()).resolve()
    with claimed(directory):
        prepare(cache_directory())
        asyncio.run(until_signal(_serve(directory, options, headless=headless)))
    results().out("stopped")


async def _serve(directory: Path, options: StackOptions, *, headless: bool) -> None:
    async with running(directory, options) as stack:
        _announce(stack)
        if headless or not results().is_terminal:
            await asyncio.Event().wait()
            return
        async with (
            connected(stack.endpoints["grpc"]) as client,
            aclosing(follow(client, Subject())) as news,
        ):
            await draw(news)


@asynccontextmanager
async def running(directory: Path, options: StackOptions) -> AsyncIterator[EmbeddedStack]:
    """The stack on ``directory``. Raises Failure where a port is taken."""
    settings = StackSettings(
        state_directory=directory,
        cache_directory=cache_directory(),
        listen=options.listen,
        kubernetes_port=options.kubernetes,
        grpc_port=options.grpc,
        provisioner=options.provisioner,
        node_api=options.node_api,
        timings=Timings().scaled(options.delays),
        azure_timings=AzureTimings().scaled(options.delays),
        offers=_offers(options.quota),
    )
    try:
        async with embedded_stack(settings) as stack:
            yield stack
    except OSError as error:
        raise Failure(
            f"cannot start: {error}",
            details=["leave out the ports to get free ones, or see who has them"],
        ) from error


def quota(lines: Sequence[str]) -> dict[str, int]:
    """``FAMILY=VCPUS`` each. Raises Failure for a family that no instance type is of."""
    families = {SPOT, *(one.family for one in INSTANCE_TYPES.values())}
    found = {}
    for line in lines:
        family, _, vcpus = line.partition("=")
        if family not in families or not vcpus.isdecimal():
            raise Failure(
                f"--quota {line}: not FAMILY=VCPUS",
                details=["families: " + ", ".join(sorted(families))],
                exit_code=ExitCode.INVALID,
            )
        found[family] = int(vcpus)
    return found


def _offers(quota: Mapping[str, int]) -> Offers:
    """As much as anybody wants, but for what is said."""
    plenty = Offers(sells_retired=True)
    families = {family: vcpus for family, vcpus in quota.items() if family != SPOT}
    return replace(plenty, vcpus=families, spot_vcpus=quota.get(SPOT, plenty.spot_vcpus))


def _announce(stack: EmbeddedStack) -> None:
    console = results()
    for name, place in stack.endpoints.items():
        console.out(f"{name:<11} {place}")
    console.out(f"export KUBECONFIG={shlex.quote(str(stack.kubeconfig.resolve()))}")
    console.out(f"export MOORAGE_SERVER={stack.endpoints['grpc']}")
    console.out("ready")
    console.file.flush()
