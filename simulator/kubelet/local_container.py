"""A container that is a process of this machine."""

import asyncio
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from simulator.kubelet.container_log import ContainerLog
from simulator.kubelet.network_probes import probe_http, probe_tcp
from simulator.kubelet.process import Command, Process, Stdio
from simulator.kubelet.runtime import ContainerConfig, Exit, ProbeOutcome
from simulator.kubelet.sessions import AttachSession, ExecSession
from simulator.kubelet.transcript import Transcript
from simulator.kubernetes.pod_streams import Channel, Session
from simulator.kubernetes.status import ApiError, Object

MESSAGE_BYTES = 1024
PROBE_OUTPUT_BYTES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One start of a container. ``on_end`` tidies up after the process."""

    id: str
    started_at: datetime
    config: ContainerConfig
    command: Command
    log: ContainerLog
    rewrite: Callable[[str], str]
    on_start: Callable[[int], None]
    on_end: Callable[[int], None]


class LocalContainer:
    """The constructor starts the process; it raises OSError."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self._pod_ip: str = start.config.pod["status"]["podIP"]
        self._transcript = Transcript()
        self._process = Process(start.command, self._on_output)
        start.on_start(self._process.pid)
        self._ending = asyncio.create_task(self._end())
        self._was_attached = False

    @property
    def id(self) -> str:
        return self._start.id

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def started_at(self) -> datetime:
        return self._start.started_at

    async def wait(self) -> Exit:
        return await asyncio.shield(self._ending)

    async def stop(self, grace_seconds: float) -> Exit:
        self._process.terminate(grace_seconds)
        return await self.wait()

    async def probe(self, handler: Object, timeout_seconds: float) -> ProbeOutcome:
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._probe(handler)
        except TimeoutError:
            message = f"no answer within {timeout_seconds:g}s (context deadline exceeded)"
            return ProbeOutcome(succeeded=False, message=message)

    async def attach(self) -> Session:
        """The first client of an interactive container sees its output from the start."""
        command = self._start.command
        interactive = command.stdin or command.stdio is Stdio.TERMINAL
        replays = self._ending.done() or (interactive and not self._was_attached)
        self._was_attached = True
        return AttachSession(
            self._process,
            self._transcript,
            position=0 if replays else self._transcript.end,
            ends_input=self._start.config.stdin_once,
        )

    async def exec(self, command: Sequence[str], *, stdin: bool, tty: bool) -> Session:
        return self._exec(command, stdin=stdin, tty=tty)

    def _exec(self, command: Sequence[str], *, stdin: bool, tty: bool) -> ExecSession:
        arguments = [self._start.rewrite(argument) for argument in command]
        own = self._start.command
        if shutil.which(arguments[0], path=own.environment.get("PATH")) is None:
            message = f'exec: "{arguments[0]}": executable file not found in $PATH'
            raise ApiError(400, "BadRequest", message)
        stdio = Stdio.TERMINAL if tty else Stdio.PIPES
        return ExecSession(replace(own, arguments=arguments, stdio=stdio, stdin=stdin))

    async def _probe(self, handler: Object) -> ProbeOutcome:
        match handler:
            case {"httpGet": action}:
                return await probe_http(self._pod_ip, action)
            case {"tcpSocket": action}:
                return await probe_tcp(self._pod_ip, action)
            case {"exec": action}:
                return await self._probe_command(action["command"])
        return ProbeOutcome(
            succeeded=False, message=f"the local runtime has no probe of kind {', '.join(handler)}"
        )

    async def _probe_command(self, command: Sequence[str]) -> ProbeOutcome:
        try:
            session = self._exec(command, stdin=False, tty=False)
        except (ApiError, OSError) as error:
            return ProbeOutcome(succeeded=False, message=str(error))
        said = b""
        try:
            async for _, piece in session.output():
                said = (said + piece)[:PROBE_OUTPUT_BYTES]
            code = await session.exit_code()
        finally:
            await session.close()
        message = said.decode(errors="replace").strip() or f"exit code {code}"
        return ProbeOutcome(succeeded=code == 0, message=message)

    def _on_output(self, channel: Channel, data: bytes) -> None:
        self._start.log.append(channel, data)
        self._transcript.append(channel, data)

    async def _end(self) -> Exit:
        code = await self._process.wait()
        self._start.log.close()
        self._transcript.close()
        self._start.on_end(self._process.pid)
        return Exit(code=code, message=self._last_words() if code else "")

    def _last_words(self) -> str:
        """Whole lines of output: termination message files are not offered."""
        said = self._transcript.tail(MESSAGE_BYTES + 1)
        if len(said) > MESSAGE_BYTES:
            said = said.partition("\n")[2]
        return said.strip()
