"""The users of a plan: they ask through gRPC or kubectl, and ask again where they heard nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.kubernetes.errors import KubernetesRefusal
from adapters.kubernetes.kinds import WORKSPACE
from adapters.kubernetes.objects import KubernetesObjects
from api.v1 import workspace_pb2, workspace_service_pb2
from engine.errors import Unreachable
from engine.workspace import CAPACITY_TYPES_ANNOTATION, FALLBACKS_ANNOTATION, RETRY_ANNOTATION
from moorage.simulation.grpc_door import UNAVAILABLE, UNKNOWN_OUTCOME, GrpcClients
from simulator.faults.users import (
    Create,
    Delete,
    Edit,
    Force,
    GrpcHabits,
    Look,
    Recreate,
    Retry,
    Touch,
    UserAction,
)
from simulator.history import Asked, History
from simulator.virtual_time.event_loop import VirtualLoop
from simulator.wire.sent import workspace_name

MODELS = {
    1: ("phi-3-mini-128k-instruct", "Standard_NC24ads_A100_v4"),
    2: ("phi-3-medium-128k-instruct", "Standard_NV36ads_A10_v5"),
    3: ("phi-4", "Standard_NC4as_T4_v3"),
}
"""Preset and instance type by the number of nodes that the planner gives them."""

OTHERS = ("Standard_NC4as_T4_v3", "Standard_NC40ads_H100_v5")
"""The first is too small for some of the models."""

CAPACITY_TYPES = {
    "spot": workspace_pb2.CAPACITY_TYPE_SPOT,
    "on-demand": workspace_pb2.CAPACITY_TYPE_ON_DEMAND,
}

BAD = "bad"
GOOD_IMAGE = "registry.example.com/adapters/tone:1"
BAD_IMAGE = "Not An Image"
AGAIN = frozenset({UNAVAILABLE, UNKNOWN_OUTCOME, "ABORTED", "DEADLINE_EXCEEDED", "INTERNAL"})
ATTEMPTS = 40
PAUSE_SECONDS = 15.0
USER = "user"
Message = Any


@dataclass(slots=True, kw_only=True)
class Users:
    """``kubectl`` and ``grpc`` are two ways to the same workspaces in ``namespace``."""

    loop: VirtualLoop
    history: History
    namespace: str
    kubectl: KubernetesObjects
    grpc: GrpcClients
    habits: GrpcHabits
    new_id: Callable[[], str]
    _calls: int = field(default=0)

    async def act(self, element: int, action: UserAction) -> None:
        name = workspace_name(action.workspace)
        self.history.add(
            Asked(at=self.loop.time(), element=element, what=action.does, workspace=name)
        )
        match action:
            case Create():
                await self._create(name, action)
            case Edit():
                await self._edit(name, action)
            case Touch():
                await self._touch(name)
            case Delete():
                await self._delete(name, action.through)
            case Recreate():
                await self._delete(name, action.through)
                await self._create(name, Create(nodes=action.nodes, through=action.through))
            case Force():
                await self._force(name, recreates=action.recreates)
            case Retry():
                await self._retry(name, action.through)
            case Look():
                await self._look(name)

    async def retry_failed(self, names: list[str]) -> None:
        for name in names:
            await self._retry(name, "grpc")

    # What they ask, through either door.

    async def _create(self, name: str, wish: Create) -> None:
        if wish.through == "kubectl":
            body = _manifest(name, self.namespace, wish)
            await self._kubectl(lambda: self.kubectl.create(WORKSPACE, body), again_on=(403, 409))
            return
        request = workspace_service_pb2.CreateWorkspaceRequest(
            parent=f"namespaces/{self.namespace}", workspace_id=name, workspace=_message(name, wish)
        )
        await self._ask(
            "CreateWorkspace", request, again_on={"ALREADY_EXISTS", "FAILED_PRECONDITION"}
        )

    async def _edit(self, name: str, action: Edit) -> None:
        adapters = _variant(action.variant)
        if action.through == "kubectl":
            patch = {"inference": {"adapters": adapters}}
            await self._merge(name, patch)
            return
        request = workspace_service_pb2.UpdateWorkspaceRequest(
            workspace=workspace_pb2.Workspace(
                name=self._full(name),
                inference=workspace_pb2.Inference(
                    adapters=[_adapter_message(one) for one in adapters]
                ),
            ),
        )
        request.update_mask.paths.append("inference.adapters")
        await self._ask("UpdateWorkspace", request)

    async def _touch(self, name: str) -> None:
        mark = {f"user.example.com/{self.new_id()[:8]}": "touched"}
        await self._merge(name, {"metadata": {"annotations": mark}})

    async def _delete(self, name: str, through: str) -> None:
        if through == "kubectl":
            await self._kubectl(lambda: self.kubectl.delete(WORKSPACE, name, self.namespace))
            return
        request = workspace_service_pb2.DeleteWorkspaceRequest(
            name=self._full(name), allow_missing=True
        )
        await self._ask("DeleteWorkspace", request)

    async def _force(self, name: str, *, recreates: bool) -> None:
        await self._delete(name, "kubectl")
        await self._merge(name, {"metadata": {"finalizers": None}})
        if recreates:
            await self._create(name, Create(through="kubectl"))

    async def _retry(self, name: str, through: str) -> None:
        if through == "kubectl":
            await self._merge(
                name, {"metadata": {"annotations": {RETRY_ANNOTATION: self.new_id()}}}
            )
            return
        request = workspace_service_pb2.RetryWorkspaceRequest(name=self._full(name))
        await self._ask("RetryWorkspace", request)

    async def _look(self, name: str) -> None:
        requests: Mapping[str, Message] = {
            "GetWorkspace": workspace_service_pb2.GetWorkspaceRequest(name=self._full(name)),
            "ListWorkspaces": workspace_service_pb2.ListWorkspacesRequest(
                parent=f"namespaces/{self.namespace}"
            ),
            "ExplainWorkspace": workspace_service_pb2.ExplainWorkspaceRequest(
                name=self._full(name)
            ),
        }
        for method, request in requests.items():
            await self.grpc.call(USER, method, request)

    def _full(self, name: str) -> str:
        return f"namespaces/{self.namespace}/workspaces/{name}"

    # How they ask.

    async def _ask(
        self, method: str, request: Message, *, again_on: frozenset[str] | set[str] = frozenset()
    ) -> None:
        """With one request id, until the outcome is known."""
        request.request_id = self.new_id()
        for _ in range(ATTEMPTS):
            code, _response = await self.grpc.call(USER, method, request, patience=self._patience())
            if code not in AGAIN and code not in again_on:
                break
            if code in again_on:
                request.request_id = self.new_id()
            await asyncio.sleep(PAUSE_SECONDS)
        if self.habits.repeats:
            await self.grpc.call(USER, method, request)

    def _patience(self) -> float | None:
        """Every so many calls, one is given up almost at once."""
        self._calls += 1
        habit = self.habits.gives_up
        return 0.02 if habit and self._calls % habit == 0 else None

    async def _merge(self, name: str, patch: Mapping[str, Any]) -> None:
        await self._kubectl(
            lambda: self.kubectl.merge(WORKSPACE, name, self.namespace, dict(patch))
        )

    async def _kubectl(
        self, ask: Callable[[], Awaitable[object]], *, again_on: tuple[int, ...] = ()
    ) -> None:
        """A person at a prompt: tries again for a while where it is worth it."""
        for _ in range(ATTEMPTS):
            try:
                await ask()
            except Unreachable:
                pass
            except KubernetesRefusal as error:
                if not error.transient and error.code not in again_on:
                    return
            else:
                return
            await asyncio.sleep(PAUSE_SECONDS)


def _manifest(name: str, namespace: str, wish: Create) -> dict[str, Any]:
    model, instance_type = MODELS[wish.nodes]
    accepts = {
        FALLBACKS_ANNOTATION: ",".join(OTHERS[: wish.fallbacks]),
        CAPACITY_TYPES_ANNOTATION: wish.capacity,
    }
    return {
        "apiVersion": "kaito.sh/v1beta1",
        "kind": "Workspace",
        "metadata": {
            "name": name,
            "namespace": namespace,
            "annotations": {key: value for key, value in accepts.items() if value},
        },
        "resource": {
            "instanceType": instance_type,
            "labelSelector": {"matchLabels": {"apps": name}},
        },
        "inference": {"preset": {"name": model}, "adapters": _wanted_adapters(wish)},
    }


def _message(name: str, wish: Create) -> workspace_pb2.Workspace:
    model, instance_type = MODELS[wish.nodes]
    return workspace_pb2.Workspace(
        resource=workspace_pb2.Resource(
            instance_type=instance_type,
            match_labels={"apps": name},
            fallback_instance_types=OTHERS[: wish.fallbacks],
            capacity_types=[CAPACITY_TYPES[word] for word in wish.capacity.split(",") if word],
        ),
        inference=workspace_pb2.Inference(
            preset=workspace_pb2.PresetChoice(name=model),
            adapters=[_adapter_message(one) for one in _wanted_adapters(wish)],
        ),
    )


def _wanted_adapters(wish: Create) -> list[dict[str, Any]]:
    return [_adapter(BAD_IMAGE, "1.0")] if wish.preset == BAD else []


def _variant(number: int) -> list[dict[str, Any]]:
    """The adapters of a variant: none in the first, one that cannot be pulled in any below it."""
    if number == 0:
        return []
    image = BAD_IMAGE if number < 0 else GOOD_IMAGE
    return [_adapter(image, f"0.{abs(number)}")]


def _adapter(image: str, strength: str) -> dict[str, Any]:
    return {"source": {"name": "tone", "image": image}, "strength": strength}


def _adapter_message(adapter: Mapping[str, Any]) -> workspace_pb2.Adapter:
    source = adapter["source"]
    return workspace_pb2.Adapter(
        source=workspace_pb2.DataSource(name=source["name"], image=source["image"]),
        strength=adapter["strength"],
    )
