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
from simulator.kubernetes.status import Object

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")


async def serve_session(api_server: ApiServer, request: web.Request) -> web.StreamResponse:
    """Serves until the process has ended or the client has gone; raises ApiError before that."""
    session = await api_server.open_session(request.raw_path)
    socket = web.WebSocketResponse(protocols=PROTOCOLS)
    try:
        await socket.prepare(request)
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(_read(socket, session))
            await _write(socket, session)
            reading.cancel()
        await socket.close()
    finally:
        await session.close()
    return socket


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
