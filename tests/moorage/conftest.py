"""A real gRPC server for the commands, in a thread of its own, over a store in memory."""

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from api.server import GrpcServer, ServerOptions
from engine.phase import Phase
from engine.reason import Reason
from engine.workspace import Endpoints, Passage, Workspace, WorkspaceRef
from moorage.cli import app
from tests.api.memory_store import MemoryNodeClaims, MemoryWorkspaces

EXAMPLES = ("smollm2", "inference", "inference-with-adapter", "tuning", "tuning-128k")


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A server whose engine is the test: it moves workspaces from phase to phase by hand."""

    address: str
    server: GrpcServer
    store: MemoryWorkspaces
    node_claims: MemoryNodeClaims
    loop: asyncio.AbstractEventLoop

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=10)

    def meanwhile(self, *events: Callable[[], object]) -> threading.Thread:
        """Makes events happen one after the other, as soon as somebody watches."""

        def play() -> None:
            while not self.server._watches._open:
                time.sleep(0.01)
            for event in events:
                event()

        thread = threading.Thread(target=play)
        thread.start()
        return thread

    def stored(self, name: str) -> Workspace:
        return self.do(self.store.get(WorkspaceRef(namespace="default", name=name)))

    def enter(self, name: str, phase: Phase, **machine: Any) -> Workspace:
        """The workspace enters a phase now, with a passage in its history."""
        before = self.stored(name)
        now = datetime.now(UTC)
        message = machine.setdefault("message", f"now {phase}")
        reason = machine.setdefault("reason", Reason.PLANNING)
        passage = Passage(
            source=before.machine.phase, destination=phase, at=now, reason=reason, message=message
        )
        history = (*before.machine.history, passage)
        state = replace(before.machine, phase=phase, since=now, history=history, **machine)
        return self.do(self.store.save(replace(before, machine=state)))

    def wait_for(self, name: str, **machine: Any) -> Workspace:
        """It enters Provisioning, where it waits for a node for another 20 minutes."""
        return self.enter(
            name,
            Phase.PROVISIONING,
            deadline=datetime.now(UTC) + timedelta(minutes=20),
            reason=Reason.NODE_CLAIM_NOT_READY,
            waiting_for="1 node(s) of local-cpu",
            message="0 of 1 node claims ready",
            remedy="`kubectl get nodeclaims` tells more",
            **machine,
        )

    def become_ready(self, name: str, **machine: Any) -> Workspace:
        return self.enter(
            name,
            Phase.READY,
            deadline=None,
            reason=Reason.SERVING,
            waiting_for="",
            message="the model answers",
            remedy="",
            endpoints=Endpoints(http="http://127.64.1.2"),
            **machine,
        )


@pytest.fixture
def served() -> Iterator[Served]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def do(work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(timeout=10)

    numbers = itertools.count(1)
    store = do(_made(lambda: MemoryWorkspaces(WallClock())))
    node_claims = MemoryNodeClaims()
    server = do(
        _made(
            lambda: GrpcServer(
                store,
                clock=WallClock(),
                new_id=lambda: f"id-{next(numbers)}",
                node_claims=node_claims,
                options=ServerOptions(grace=timedelta(seconds=1)),
            )
        )
    )
    try:
        yield Served(
            address=do(server.start()),
            server=server,
            store=store,
            node_claims=node_claims,
            loop=loop,
        )
    finally:
        do(server.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _made(make: Callable[[], Any]) -> Any:
    """Some things want to be made where their loop runs."""
    return make()


Cli = Callable[..., Result]


@pytest.fixture
def cli(served: Served) -> Cli:
    """Runs a command against the served API."""

    def run(*arguments: str, stdin: str | None = None) -> Result:
        environment = {"MOORAGE_SERVER": served.address, "NO_COLOR": "1"}
        return CliRunner().invoke(app, list(arguments), input=stdin, env=environment)

    return run


@pytest.fixture
def smollm2(cli: Cli) -> str:
    """The name of an applied workspace."""
    result = cli("apply", "-f", "examples/smollm2.yaml")
    assert result.exit_code == 0, result.stderr
    return "smollm2"
