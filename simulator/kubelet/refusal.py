"""The answer where nothing can answer: HTTP 503 with the reason, or a closed connection.

A simulated workload never invents an answer; neither does a Service without a ready endpoint keep
its callers guessing.
"""

import asyncio
import json
from dataclasses import dataclass

CHUNK_BYTES = 64 * 1024
REQUEST_TIMEOUT_SECONDS = 10.0
LINGER_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """``type`` is for programs: "simulated" or "unavailable"."""

    type: str
    message: str

    def as_http(self) -> bytes:
        body = json.dumps({"error": {"message": self.message, "type": self.type}}).encode() + b"\n"
        head = (
            "HTTP/1.1 503 Service Unavailable",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            "Connection: close",
        )
        return "\r\n".join([*head, "", ""]).encode() + body


def simulated(reason: str) -> Refusal:
    return Refusal(type="simulated", message=f"simulated workload: {reason}")


def unavailable(reason: str) -> Refusal:
    return Refusal(type="unavailable", message=reason)


async def refuse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, refusal: Refusal
) -> None:
    """Answers HTTP/1 and closes on everything else, gRPC included. The caller closes."""
    try:
        async with asyncio.timeout(REQUEST_TIMEOUT_SECONDS):
            request_line = await reader.readuntil(b"\n")
    except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return
    if b" HTTP/1." not in request_line:
        return
    writer.write(refusal.as_http())
    writer.write_eof()
    await _discard_rest(reader)


async def _discard_rest(reader: asyncio.StreamReader) -> None:
    """Closing with unread input would reset the connection, and could lose the answer."""
    try:
        async with asyncio.timeout(LINGER_SECONDS):
            while await reader.read(CHUNK_BYTES):
                pass
    except TimeoutError:
        return
