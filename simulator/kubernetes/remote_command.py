"""Attach and exec over websockets: the ``v5.channel.k8s.io`` protocol.

Each binary message starts with a byte that names its channel (KEP-4006). The last one the server
sends is a Status on the error channel, with the exit code where the process failed.
"""

import asyncio
import json

from aiohttp import ClientConnectionResetError, WSMsgType, web

from simulator.kubernetes.api_server import ApiServer
from simulator.kubernetes.json_values import encode
from simulator.kubernetes.pod_streams import Channel, Session
from simulator.kubernetes.status import ApiError, Object

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")


async def serve_session(api_server: ApiServer, request: web.Request) -> web.StreamResponse:
    """Serves until the process has ended or the client has gone.

    Raises ApiError where the pod can't be reached. A process that can't be had is told on the
    error channel: of a refused websocket clients think that the server speaks none.
    """
    await api_server.check_pod_stream(request.raw_path)
    socket = web.WebSocketResponse(protocols=PROTOCOLS)
    await socket.prepare(request)
    try:
        session = await api_server.open_session(request.raw_path)
    except ApiError as error:
        await socket.send_bytes(bytes([Channel.ERROR]) + encode(error.as_status()))
    else:
        await _carry(socket, session)
    await socket.close()
    return socket


async def _carry(socket: web.WebSocketResponse, session: Session) -> None:
    try:
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(_read(socket, session))
            await _write(socket, session)
            reading.cancel()
    finally:
        await session.close()


async def _read(socket: web.WebSocketResponse, session: Session) -> None:
    """Client to process, until the client closes the connection; then the session is over."""
    async for message in socket:
        if message.type is not WSMsgType.BINARY or not message.data:
            continue
        channel, data = message.data[0], message.data[1:]
        if channel == Channel.STDIN:
            await session.write(data)
        elif channel == Channel.RESIZE:
            size = json.loads(data)
            await session.resize(int(size["Width"]), int(size["Height"]))
        elif channel == Channel.CLOSE and data == bytes([Channel.STDIN]):
            await session.close_stdin()
    await session.close()


async def _write(socket: web.WebSocketResponse, session: Session) -> None:
    """Process to client: all output, then how it ended. A client that has gone ends it."""
    try:
        async for channel, data in session.output():
            await socket.send_bytes(bytes([channel]) + data)
        status = exit_status(await session.exit_code())
        await socket.send_bytes(bytes([Channel.ERROR]) + encode(status))
    except ClientConnectionResetError:
        return


def exit_status(code: int) -> Object:
    """How a process ended, as kubectl reads it."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
