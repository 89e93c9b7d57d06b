"""The gRPC API against a model of it: any course of calls, lost servers and repeated requests.

No engine runs, so that what the API stores changes by its calls alone.
"""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from api.v1 import workspace_pb2, workspace_service_pb2
from moorage.simulation.world import NAMESPACE, World
from simulator.checkers.judge import Judge
from simulator.checkers.properties import PROPERTIES
from simulator.faults.plan import Plan
from simulator.history import History
from simulator.virtual_cluster import NEVER
from simulator.virtual_time.event_loop import virtual_loop
from simulator.virtual_time.randomness import Randomness

PARENT = f"namespaces/{NAMESPACE}"
NAMES = st.sampled_from(("w0", "w1", "w2"))
STRENGTHS = st.sampled_from(("0.25", "0.5", "0.75"))
Message = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What the model knows of a workspace; ``stale`` is an etag that it had before, if any."""

    etag: str
    generation: int
    strength: str
    stale: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    method: str
    request: Message
    response: Message


class ApiMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = virtual_loop()
        history = History()
        self.judge = Judge(history, [one for one in PROPERTIES if one.id.startswith("Q")])
        self.world = World(Plan(), self.loop, history, Randomness(0), None)
        self.loop.run_until_complete(self.world.build())
        self.world.processes.pause("engine", NEVER)
        self.stored: dict[str, Stored] = {}
        self.latest: Asked | None = None
        """The latest change, as long as nothing has changed since."""
        self.ids = 0

    def ask(self, method: str, request: Message) -> tuple[str, Message]:
        calling = self.world.users.grpc.call("user", method, request)
        code, response = self.loop.run_until_complete(calling)
        return code, response

    def change(self, method: str, request: Message) -> tuple[str, Message]:
        self.ids += 1
        request.request_id = f"request-{self.ids}"
        code, response = self.ask(method, request)
        if code == "OK":
            self.latest = Asked(method=method, request=request, response=response)
        return code, response

    @rule(name=NAMES, strength=STRENGTHS)
    def create(self, name: str, strength: str) -> None:
        request = workspace_service_pb2.CreateWorkspaceRequest(
            parent=PARENT, workspace_id=name, workspace=workspace(strength)
        )
        code, response = self.change("CreateWorkspace", request)
        assert code == ("ALREADY_EXISTS" if name in self.stored else "OK")
        if code == "OK":
            assert response.workspace.generation == 1
            self.stored[name] = stored(response.workspace)

    @rule(name=NAMES)
    def get(self, name: str) -> None:
        request = workspace_service_pb2.GetWorkspaceRequest(name=full(name))
        code, response = self.ask("GetWorkspace", request)
        assert code == ("OK" if name in self.stored else "NOT_FOUND")
        if code == "OK":
            assert seen(self.stored[name]) == stored(response.workspace)

    @rule(name=NAMES, strength=STRENGTHS, etag=st.sampled_from(("", "etag", "stale")))
    def update(self, name: str, strength: str, etag: str) -> None:
        request = workspace_service_pb2.UpdateWorkspaceRequest(workspace=workspace(strength))
        request.workspace.name = full(name)
        request.workspace.etag = self.named(name, etag)
        request.update_mask.paths.append("inference.adapters")
        code, response = self.change("UpdateWorkspace", request)
        assert code == self.expected(name, request.workspace.etag)
        if code == "OK":
            before, now = self.stored[name], stored(response.workspace)
            assert now.strength == strength
            assert now.generation == before.generation + (strength != before.strength)
            self.stored[name] = replace(now, stale=before.etag if now.etag != before.etag else "")

    @rule(name=NAMES, etag=st.sampled_from(("", "etag", "stale")))
    def delete(self, name: str, etag: str) -> None:
        request = workspace_service_pb2.DeleteWorkspaceRequest(
            name=full(name), etag=self.named(name, etag)
        )
        code, _ = self.change("DeleteWorkspace", request)
        assert code == self.expected(name, request.etag)
        if code == "OK":
            del self.stored[name]

    @rule(name=NAMES)
    def retry_what_has_not_failed(self, name: str) -> None:
        request = workspace_service_pb2.RetryWorkspaceRequest(name=full(name))
        code, _ = self.change("RetryWorkspace", request)
        assert code == ("FAILED_PRECONDITION" if name in self.stored else "NOT_FOUND")

    @precondition(lambda self: self.latest is not None)
    @rule()
    def ask_again(self) -> None:
        asked = self.latest
        assert asked is not None
        code, response = self.ask(asked.method, asked.request)
        assert (code, response) == ("OK", asked.response)

    @precondition(lambda self: self.latest is not None)
    @rule(name=NAMES)
    def use_a_request_id_for_something_else(self, name: str) -> None:
        assert self.latest is not None
        request = workspace_service_pb2.RetryWorkspaceRequest(
            name=full(name), request_id=self.latest.request.request_id
        )
        code, _ = self.ask("RetryWorkspace", request)
        assert code != "OK"

    @rule()
    def lose_the_server(self) -> None:
        """What it remembered is gone; what a workspace itself bears, is not."""
        self.world.processes.crash("api", down=1.0)
        self.wait(2.0)
        if self.latest is not None and self.latest.method == "DeleteWorkspace":
            self.latest = None

    def wait(self, seconds: float) -> None:
        self.loop.run_until_complete(self.sleep(seconds))

    async def sleep(self, seconds: float) -> None:
        waited = self.loop.create_future()
        self.loop.call_later(seconds, waited.set_result, None)
        await waited

    @invariant()
    def a_list_has_what_there_is(self) -> None:
        request = workspace_service_pb2.ListWorkspacesRequest(parent=PARENT)
        code, response = self.ask("ListWorkspaces", request)
        assert code == "OK"
        listed = {one.name: stored(one) for one in response.workspaces}
        assert listed == {full(name): seen(one) for name, one in self.stored.items()}

    def teardown(self) -> None:
        violations = self.judge.finish()
        self.loop.close()
        assert not violations

    def named(self, name: str, etag: str) -> str:
        """The etag that a request names, "" for none."""
        return getattr(self.stored[name], etag) if etag and name in self.stored else ""

    def expected(self, name: str, etag: str) -> str:
        if name not in self.stored:
            return "NOT_FOUND"
        return "OK" if etag in ("", self.stored[name].etag) else "ABORTED"


def workspace(strength: str) -> workspace_pb2.Workspace:
    adapter = workspace_pb2.Adapter(
        source=workspace_pb2.DataSource(name="tone", image="registry.example.com/tone:1"),
        strength=strength,
    )
    return workspace_pb2.Workspace(
        resource=workspace_pb2.Resource(
            instance_type="Standard_NC24ads_A100_v4", match_labels={"apps": "tone"}
        ),
        inference=workspace_pb2.Inference(
            preset=workspace_pb2.PresetChoice(name="phi-3-mini-128k-instruct"), adapters=[adapter]
        ),
    )


def stored(message: workspace_pb2.Workspace) -> Stored:
    return Stored(
        etag=message.etag,
        generation=message.generation,
        strength=message.inference.adapters[0].strength,
    )


def seen(known: Stored) -> Stored:
    """Without what only the model remembers."""
    return replace(known, stale="")


def full(name: str) -> str:
    return f"{PARENT}/workspaces/{name}"


TestApi = pytest.mark.timeout(600)(ApiMachine.TestCase)
ApiMachine.TestCase.settings = settings(
    derandomize=True,
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
