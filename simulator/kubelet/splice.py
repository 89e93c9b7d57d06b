"""Joins two TCP connections: bytes and half-closes pass in both directions."""

import asyncio

CHUNK_BYTES = 64 * 1024

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def splice(client: Stream, server: Stream) -> None:
    """Until both directions have ended. Raises OSError when either end fails; closes neither."""
    pumps = [
        asyncio.create_task(_pump(client[0], server[1])),
        asyncio.create_task(_pump(server[0], client[1])),
    ]
    try:
        await asyncio.gather(*pumps)
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(CHUNK_BYTES):
        sink.write(data)
        await sink.drain()
    sink.write_eof()
