"""Attach and exec: a client's end of a local process."""

import asyncio
from collections.abc import AsyncIterator

from simulator.kubelet.process import Command, Process
from simulator.kubelet.transcript import Transcript
from simulator.kubernetes.pod_streams import Channel

UNREAD_PIECES = 16


class AttachSession:
    """Follows a container that others may follow too. It outlives the client."""

    def __init__(
        self,
        process: Process,
        transcript: Transcript,
        *,
        position: int,
        ends_input: bool,
    ) -> None:
        self._process = process
        self._transcript = transcript
        self._position = position
        self._ends_input = ends_input

    async def write(self, data: bytes) -> None:
        await self._process.write(data)

    async def close_stdin(self) -> None:
        await self._process.end_input()

    async def resize(self, columns: int, rows: int) -> None:
        self._process.resize(columns, rows)

    def output(self) -> AsyncIterator[tuple[Channel, bytes]]:
        return self._transcript.read_from(self._position)

    async def exit_code(self) -> int:
        """0, as from any kubelet: clients read the container's own in its status."""
        await self._process.exited()
        return 0

    async def close(self) -> None:
        """``stdinOnce``: the first client to leave takes the container's input with it."""
        if self._ends_input:
            await self._process.end_input()


class ExecSession:
    """Owns its process. Output that the client does not take makes the process wait."""

    def __init__(self, command: Command) -> None:
        self._unread: asyncio.Queue[tuple[Channel, bytes] | None] = asyncio.Queue()
        self._process = Process(command, self._on_output)
        self._ending = asyncio.create_task(self._end())

    async def write(self, data: bytes) -> None:
        await self._process.write(data)

    async def close_stdin(self) -> None:
        await self._process.end_input()

    async def resize(self, columns: int, rows: int) -> None:
        self._process.resize(columns, rows)

    async def output(self) -> AsyncIterator[tuple[Channel, bytes]]:
        while (piece := await self._unread.get()) is not None:
            if self._unread.qsize() < UNREAD_PIECES:
                self._process.resume_output()
            yield piece

    async def exit_code(self) -> int:
        return await self._process.exited()

    async def close(self) -> None:
        self._process.terminate(0)
        await self._process.exited()
        self._process.close_output()
        await self._ending

    def _on_output(self, channel: Channel, data: bytes) -> None:
        """Each reader delivers one piece at a time, so pausing bounds the queue."""
        self._unread.put_nowait((channel, data))
        if self._unread.qsize() >= UNREAD_PIECES:
            self._process.pause_output()

    async def _end(self) -> None:
        await self._process.exited()
        await self._process.output_ended()
        self._process.close_input()
        self._unread.put_nowait(None)
