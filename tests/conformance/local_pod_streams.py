"""Pod streams for tests: every container is this machine, and what it runs are real processes."""

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator

from simulator.kubernetes.pod_streams import Channel, LogOptions
from simulator.kubernetes.status import ApiError, Object

ATTACHED = ("sh", "-c", "echo attached; cat; exit 3")


class ProcessSession:
    def __init__(self, process: Process) -> None:
        self._process = process

    async def write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        await self._process.stdin.drain()

    async def close_stdin(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()

    async def resize(self, columns: int, rows: int) -> None:
        pass

    async def output(self) -> AsyncIterator[tuple[Channel, bytes]]:
        chunks: asyncio.Queue[tuple[Channel, bytes]] = asyncio.Queue(16)

        async def read(channel: Channel, source: asyncio.StreamReader | None) -> None:
            assert source is not None
            while chunk := await source.read(4096):
                await chunks.put((channel, chunk))
            await chunks.put((channel, b""))

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(read(Channel.STDOUT, self._process.stdout))
            tasks.create_task(read(Channel.STDERR, self._process.stderr))
            open_channels = 2
            while open_channels:
                channel, chunk = await chunks.get()
                if chunk:
                    yield channel, chunk
                else:
                    open_channels -= 1

    async def exit_code(self) -> int:
        return await self._process.wait()

    async def close(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


class LocalPodStreams:
    async def logs(self, pod: Object, container: str, options: LogOptions) -> AsyncIterator[bytes]:
        lines = [f"{pod['metadata']['name']} {container} {number}\n" for number in range(3)]
        for line in lines[-options.tail_lines :] if options.tail_lines else lines:
            yield line.encode()
            if options.follow:
                await asyncio.sleep(0.01)

    async def attach(
        self, pod: Object, container: str, *, stdin: bool, tty: bool
    ) -> ProcessSession:
        return await self.exec(pod, container, list(ATTACHED), stdin=stdin, tty=tty)

    async def exec(
        self, pod: Object, container: str, command: list[str], *, stdin: bool, tty: bool
    ) -> ProcessSession:
        if command[0] == "missing":
            raise ApiError(400, "BadRequest", "missing: no such program")
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=PIPE
        )
        return ProcessSession(process)

    async def dial(self, pod: Object, port: int) -> tuple[str, int]:
        return "127.0.0.1", port
