"""gRPC without a network: the servicers behind their real edge, called with bytes.

``grpc.aio`` cannot live in virtual time. Everything of ours that it would call runs: decoding,
validation, conversion, the servicer, error mapping, deadlines and cancellation.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, NoReturn

import grpc
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from adapters.kubernetes.claim_reader import KubernetesNodeClaimReader
from adapters.kubernetes.objects import KubernetesObjects
from adapters.kubernetes.workspaces import KubernetesWorkspaces
from api.edge import Edge
from api.server import SERVICES, ServerOptions
from api.watch import Watches
from api.workspace_service import WorkspaceService
from engine.ports import Clock
from simulator.history import History, Rpc, StreamMessage
from simulator.virtual_time.event_loop import VirtualLoop
from simulator.virtual_time.process import Process

SERVICE = SERVICES[0]
UNKNOWN_OUTCOME = "UNKNOWN_OUTCOME"
UNAVAILABLE = "UNAVAILABLE"
PREFIX = f"/{SERVICE.full_name}/"


class Aborted(Exception):
    """How ``grpc.aio`` leaves a handler that has told its status."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(details)
        self.code = code
        self.details = details


class ServerGone(Exception):
    """The connection to the server broke; what became of the call is unknown."""


@dataclass(slots=True)
class CallContext:
    """What the edge uses of a ``grpc.aio.ServicerContext``."""

    write: Callable[[Message], Any]

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return ()

    def set_trailing_metadata(self, _: object) -> None:
        """Clients here need no call ids."""

    def peer(self) -> str:
        return "simulated"

    async def abort(self, code: grpc.StatusCode, details: str, _: object = ()) -> NoReturn:
        raise Aborted(code, details)


@dataclass(frozen=True, slots=True)
class HandlerDetails:
    """What a generic handler is asked with."""

    method: str


class GrpcProcess:
    """One API server process: ``process`` crashes, ``serve`` answers in its context."""

    def __init__(
        self,
        process: Process,
        objects: KubernetesObjects,
        *,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        options = ServerOptions()
        store = KubernetesWorkspaces(objects)
        service = WorkspaceService(
            store=store,
            watches=Watches(store, limits=options.watch_limits),
            clock=clock,
            new_id=new_id,
            node_claims=KubernetesNodeClaimReader(objects),
        )
        edge = Edge(new_id=new_id, call_limit=options.call_limit)
        self.process = process
        self._handlers = edge.handler(SERVICE, service)
        self.under_way: dict[asyncio.Future[Any], None] = {}

    def handler(self, method: str) -> Any:
        return self._handlers.service(HandlerDetails(PREFIX + method))  # type: ignore[arg-type]

    def break_off(self) -> None:
        """Clients notice that the process is gone."""
        for answer in list(self.under_way):
            _break_off(answer)
        self.under_way.clear()


@dataclass(slots=True, kw_only=True)
class GrpcClients:
    """The clients of the API; ``server`` is the API process there is now, None while it is down."""

    loop: VirtualLoop
    history: History
    chance: Random
    longest_latency: float
    server: Callable[[], GrpcProcess | None]
    _streams: Any = field(default_factory=lambda: count(1))

    async def call(
        self, client: str, method: str, request: Message, *, patience: float | None = None
    ) -> tuple[str, Message | None]:
        """The code and, where it is OK, the response; cancelled after ``patience`` seconds."""
        began = self.loop.time()
        try:
            async with asyncio.timeout(patience):
                code, response = await self._exchange(method, request)
        except TimeoutError:
            code, response = UNKNOWN_OUTCOME, None
        self.history.add(
            Rpc(
                at=began,
                until=self.loop.time(),
                client=client,
                method=method,
                request=MessageToDict(request),
                response=None if response is None else MessageToDict(response),
                code=code,
            )
        )
        return code, response

    async def _exchange(self, method: str, request: Message) -> tuple[str, Message | None]:
        await self._travel()
        server = self.server()
        if server is None:
            return UNAVAILABLE, None
        answer: asyncio.Future[bytes] = self.loop.create_future()
        server.under_way[answer] = None
        serving = self.loop.create_task(
            self._serve(server, method, request.SerializeToString(), answer),
            name=f"rpc {method}",
            context=server.process.context(),
        )
        serving.add_done_callback(lambda _: _break_off(answer))
        try:
            payload = await answer
        except Aborted as error:
            return error.code.name, None
        except ServerGone:
            return UNKNOWN_OUTCOME, None
        except asyncio.CancelledError:
            serving.cancel()
            raise
        finally:
            server.under_way.pop(answer, None)
        response_type = GetMessageClass(SERVICE.methods_by_name[method].output_type)
        return "OK", response_type.FromString(payload)

    async def _serve(
        self,
        server: GrpcProcess,
        method: str,
        payload: bytes,
        answer: "asyncio.Future[bytes]",
    ) -> None:
        handler = server.handler(method)
        try:
            response = await handler.unary_unary(payload, CallContext(_no_stream))
        except Aborted as error:
            await self._travel()
            if not answer.done():
                answer.set_exception(error)
            return
        encoded = handler.response_serializer(response)
        await self._travel()
        if not answer.done():
            answer.set_result(encoded)

    async def _travel(self) -> None:
        await asyncio.sleep(self.chance.random() * self.longest_latency)

    async def watch(self, client: str, parent: str, *, breaks_after: int) -> None:
        """Follows all workspaces for ever; where ``breaks_after`` is not 0, resumes so often."""
        cursor = ""
        while True:
            cursor = await self._follow(client, parent, cursor, breaks_after)
            await asyncio.sleep(1.0)

    async def _follow(self, client: str, parent: str, cursor: str, breaks_after: int) -> str:
        """Until the stream ends; the cursor from which to go on."""
        method = SERVICE.methods_by_name["WatchWorkspaces"]
        server = self.server()
        if server is None:
            return cursor
        stream = next(self._streams)
        messages: asyncio.Queue[bytes | None] = asyncio.Queue()
        request = GetMessageClass(method.input_type)(parent=parent, cursor=cursor)
        ended: asyncio.Future[str] = self.loop.create_future()
        server.under_way[ended] = None
        ended.add_done_callback(lambda _: messages.put_nowait(None))
        serving = self.loop.create_task(
            self._stream(server, request.SerializeToString(), messages, ended),
            name="rpc WatchWorkspaces",
            context=server.process.context(),
        )
        serving.add_done_callback(lambda _: _break_off(ended))
        self._tell(client, stream, "opened", cursor=cursor)
        taken = 0
        while (payload := await messages.get()) is not None:
            message: Any = GetMessageClass(method.output_type).FromString(payload)
            cursor = message.cursor or cursor
            kind = message.WhichOneof("event")
            workspace = getattr(message, kind) if kind in ("changed", "removed") else None
            self._tell(client, stream, kind, workspace=workspace, cursor=message.cursor)
            taken += 1
            if breaks_after and taken >= breaks_after and cursor:
                serving.cancel()
                break
        code = ended.result() if ended.done() and not ended.exception() else "CANCELLED"
        self._tell(client, stream, "closed", cursor=cursor)
        return "" if code == grpc.StatusCode.OUT_OF_RANGE.name else cursor

    async def _stream(
        self,
        server: GrpcProcess,
        payload: bytes,
        messages: "asyncio.Queue[bytes | None]",
        ended: "asyncio.Future[str]",
    ) -> None:
        handler = server.handler("WatchWorkspaces")

        async def write(message: Message) -> None:
            messages.put_nowait(handler.response_serializer(message))

        code = "OK"
        try:
            await handler.unary_stream(payload, CallContext(write))
        except Aborted as error:
            code = error.code.name
        finally:
            if not ended.done():
                ended.set_result(code)

    def _tell(
        self,
        client: str,
        stream: int,
        event: str,
        *,
        workspace: Any = None,
        cursor: str = "",
    ) -> None:
        self.history.add(
            StreamMessage(
                at=self.loop.time(),
                client=client,
                stream=stream,
                event=event,
                name="" if workspace is None else workspace.name,
                cursor=cursor,
                workspace=None if workspace is None else MessageToDict(workspace),
            )
        )


def _break_off(answer: "asyncio.Future[Any]") -> None:
    """The call is over on the server's side; a task may be cancelled before its first step."""
    if not answer.done():
        answer.set_exception(ServerGone())


async def _no_stream(_: Message) -> None:
    raise TypeError("a unary call has no stream")
