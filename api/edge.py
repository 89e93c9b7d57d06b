"""Where gRPC ends: calls in, responses or a status out, one line in the log.

Servicers raise; here, and only here, an error becomes a status. An error that is nobody's fault but
ours is logged whole, and the client gets the call's id, by which the log can be searched.
"""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NoReturn

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc.code_pb2 import Code
from grpc_status import rpc_status

from api.errors import DeadlineExceeded, InvalidRequest
from api.status import status_of
from engine.errors import Violation

CALL_ID_KEY = "x-request-id"

_LOG = logging.getLogger(__name__)
_CALL_ID = re.compile(r"[!-~]{1,128}")
_CAPITAL = re.compile(r"(?<!^)[A-Z]")

_Context = grpc.aio.ServicerContext[bytes, Message]
_Unary = Callable[[Message], Awaitable[Message]]
_Streaming = Callable[[Message], AsyncGenerator[Message, None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """``call_limit`` is how long a unary call may take; clients may set shorter deadlines."""

    new_id: Callable[[], str]
    call_limit: timedelta

    def handler(self, service: ServiceDescriptor, servicer: object) -> grpc.GenericRpcHandler:
        """Serves the RPC ``GetWorkspace`` with the servicer's ``get_workspace``, and so on."""
        methods = {
            method.name: self._method(method, getattr(servicer, _snake_case(method.name)))
            for method in service.methods
        }
        return grpc.method_handlers_generic_handler(service.full_name, methods)

    def _method(
        self, method: MethodDescriptor, behaviour: Any
    ) -> "grpc.RpcMethodHandler[Any, Any]":
        if method.server_streaming:
            return grpc.unary_stream_rpc_method_handler(
                self._streaming(method, behaviour), response_serializer=_serialize
            )
        return grpc.unary_unary_rpc_method_handler(
            self._unary(method, behaviour), response_serializer=_serialize
        )

    def _unary(self, method: MethodDescriptor, behaviour: _Unary) -> Callable[..., Any]:
        async def handle(payload: bytes, context: _Context) -> Message:
            call = self._call(method, context)
            try:
                response = await self._in_time(behaviour, _parse(method, payload))
            except asyncio.CancelledError:
                call.log("CANCELLED")
                raise
            except Exception as error:  # noqa: BLE001 — every error becomes a status here
                await call.fail(error)
            call.succeed()
            return response

        return handle

    async def _in_time(self, behaviour: _Unary, request: Message) -> Message:
        limit = self.call_limit.total_seconds()
        try:
            async with asyncio.timeout(limit) as scope:
                return await behaviour(request)
        except TimeoutError:
            if scope.expired():
                raise DeadlineExceeded(limit) from None
            raise

    def _streaming(self, method: MethodDescriptor, behaviour: _Streaming) -> Callable[..., Any]:
        async def handle(payload: bytes, context: _Context) -> None:
            call = self._call(method, context)
            try:
                async with aclosing(behaviour(_parse(method, payload))) as responses:
                    async for response in responses:
                        await context.write(response)
            except asyncio.CancelledError:
                call.log("CANCELLED")
                raise
            except Exception as error:  # noqa: BLE001 — every error becomes a status here
                await call.fail(error)
            call.succeed()

        return handle

    def _call(self, method: MethodDescriptor, context: _Context) -> "_Call":
        metadata = context.invocation_metadata() or ()
        given = next((value for key, value in metadata if key == CALL_ID_KEY), "")
        usable = isinstance(given, str) and _CALL_ID.fullmatch(given)
        return _Call(
            id=str(given) if usable else self.new_id(),
            rpc=method.name,
            context=context,
            began=asyncio.get_running_loop().time(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One call under way; ``began`` is the loop's time."""

    id: str
    rpc: str
    context: _Context
    began: float

    def succeed(self) -> None:
        self.context.set_trailing_metadata(((CALL_ID_KEY, self.id),))
        self.log("OK")

    async def fail(self, error: Exception) -> NoReturn:
        status = status_of(error, call_id=self.id)
        code = Code.Name(status.code)
        self.log(code, error=error)
        answer = rpc_status.to_status(status)
        await self.context.abort(
            answer.code, answer.details, (*answer.trailing_metadata, (CALL_ID_KEY, self.id))
        )

    def log(self, code: str, *, error: Exception | None = None) -> None:
        milliseconds = (asyncio.get_running_loop().time() - self.began) * 1000
        ours = code in {"INTERNAL", "UNAVAILABLE"}
        _LOG.log(
            logging.ERROR if code == "INTERNAL" else logging.INFO,
            "%s %s in %.1f ms, request id %s%s",
            self.rpc,
            code,
            milliseconds,
            self.id,
            f": {error}" if error and not ours else "",
            exc_info=error if ours else None,
            extra={
                "rpc": self.rpc,
                "code": code,
                "milliseconds": milliseconds,
                "request_id": self.id,
                "peer": self.context.peer(),
            },
        )


def _parse(method: MethodDescriptor, payload: bytes) -> Message:
    request = GetMessageClass(method.input_type)()
    try:
        request.ParseFromString(payload)
    except DecodeError as error:
        description = f"is not a {method.input_type.full_name}"
        raise InvalidRequest([Violation(field="", description=description)]) from error
    return request


def _serialize(response: Message) -> bytes:
    return response.SerializeToString()


def _snake_case(name: str) -> str:
    return _CAPITAL.sub(lambda match: f"_{match[0]}", name).lower()
