"""A local process with its own session, its standard streams, and a certain end."""

import asyncio
import errno
import fcntl
import os
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

from simulator.kubernetes.pod_streams import Channel

LAUNCHER = Path(__file__).with_name("launcher.py")
CHUNK_BYTES = 64 * 1024
LAST_OUTPUT_SECONDS = 1.0  # for what a dead process left in its pipes
END_OF_TRANSMISSION = b"\x04"

OnOutput = Callable[[Channel, bytes], None]


class Stdio(StrEnum):
    PIPES = "pipes"
    TERMINAL = "terminal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    arguments: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    stdio: Stdio = Stdio.PIPES
    stdin: bool = False


class Reader:
    """Delivers what comes out of a descriptor, until its end."""

    def __init__(self, descriptor: int, deliver: Callable[[bytes], None]) -> None:
        self._descriptor = descriptor
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self.ended = asyncio.Event()
        os.set_blocking(descriptor, False)
        self.resume()

    def pause(self) -> None:
        self._loop.remove_reader(self._descriptor)

    def resume(self) -> None:
        if not self.ended.is_set():
            self._loop.add_reader(self._descriptor, self._read)

    def close(self) -> None:
        if not self.ended.is_set():
            self.pause()
            os.close(self._descriptor)
            self.ended.set()

    def _read(self) -> None:
        try:
            data = os.read(self._descriptor, CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.EIO:  # how a terminal says that nobody is at its other end
                raise
            data = b""
        if data:
            self._deliver(data)
        else:
            self.close()


class Process:
    """Started by the constructor, which raises OSError; nothing is left behind if it does.

    ``on_output`` gets each piece of output as it comes; a terminal has only STDOUT.
    """

    def __init__(self, command: Command, on_output: OnOutput) -> None:
        self._loop = asyncio.get_running_loop()
        self._exited = asyncio.Event()
        self._killer: asyncio.TimerHandle | None = None
        self._input: int | None = None
        self._has_terminal = command.stdio is Stdio.TERMINAL
        self._popen, outputs = self._spawn(command)
        self._readers = [
            Reader(descriptor, partial(on_output, channel))
            for channel, descriptor in outputs.items()
        ]
        self._pidfd = os.pidfd_open(self._popen.pid)
        self._loop.add_reader(self._pidfd, self._on_exit)

    @property
    def pid(self) -> int:
        return self._popen.pid

    async def exited(self) -> int:
        """Its exit code, once it has one: 128 + signal if killed. Output may still follow."""
        await self._exited.wait()
        code = self._popen.returncode
        return 128 - code if code < 0 else code

    async def output_ended(self) -> None:
        for reader in self._readers:
            await reader.ended.wait()

    async def wait(self) -> int:
        """The exit code, once what it wrote was delivered too."""
        code = await self.exited()
        try:
            async with asyncio.timeout(LAST_OUTPUT_SECONDS):
                await self.output_ended()
        except TimeoutError:  # a child that left the process group holds the pipe
            self.close_output()
        self.close_input()
        return code

    def close_output(self) -> None:
        for reader in self._readers:
            reader.close()

    def terminate(self, grace_seconds: float) -> None:
        """SIGTERM to the process, SIGKILL to its group after the grace. Calling again hurries."""
        if self._exited.is_set():
            return
        if self._killer is None and grace_seconds > 0:
            self._popen.send_signal(signal.SIGTERM)
        if self._killer is not None:
            self._killer.cancel()
        self._killer = self._loop.call_later(grace_seconds, self._kill_group)

    def pause_output(self) -> None:
        for reader in self._readers:
            reader.pause()

    def resume_output(self) -> None:
        for reader in self._readers:
            reader.resume()

    async def write(self, data: bytes) -> None:
        """Input to a process that has closed it is dropped."""
        view = memoryview(data)
        while view and self._input is not None:
            try:
                view = view[os.write(self._input, view) :]
            except BlockingIOError:
                await self._until_writable(self._input)
            except OSError as error:
                if error.errno not in (errno.EPIPE, errno.EIO):
                    raise
                return

    async def end_input(self) -> None:
        """What a user does with Ctrl-D, or a shell at the end of a file."""
        if self._has_terminal:
            await self.write(END_OF_TRANSMISSION)
        else:
            self.close_input()

    def close_input(self) -> None:
        if self._input is not None:
            self._loop.remove_writer(self._input)
            os.close(self._input)
            self._input = None

    def resize(self, columns: int, rows: int) -> None:
        if self._has_terminal and self._input is not None:
            size = struct.pack("HHHH", rows, columns, 0, 0)
            fcntl.ioctl(self._input, termios.TIOCSWINSZ, size)

    def _spawn(self, command: Command) -> tuple[subprocess.Popen[bytes], dict[Channel, int]]:
        if self._has_terminal:
            return self._spawn_in_terminal(command)
        theirs_in, ours_in = os.pipe() if command.stdin else (subprocess.DEVNULL, None)
        out_read, out_write = os.pipe()
        err_read, err_write = os.pipe()
        try:
            popen = _popen(command, theirs_in, out_write, err_write)
        except OSError:
            _close(out_read, err_read, ours_in)
            raise
        finally:
            _close(out_write, err_write, theirs_in if ours_in is not None else None)
        self._own_input(ours_in)
        return popen, {Channel.STDOUT: out_read, Channel.STDERR: err_read}

    def _spawn_in_terminal(
        self, command: Command
    ) -> tuple[subprocess.Popen[bytes], dict[Channel, int]]:
        ours, theirs = os.openpty()
        try:
            popen = _popen(command, theirs, theirs, theirs)
        except OSError:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        self._own_input(os.dup(ours))
        return popen, {Channel.STDOUT: ours}

    def _own_input(self, descriptor: int | None) -> None:
        self._input = descriptor
        if descriptor is not None:
            os.set_blocking(descriptor, False)

    async def _until_writable(self, descriptor: int) -> None:
        writable = asyncio.Event()
        self._loop.add_writer(descriptor, writable.set)
        try:
            await writable.wait()
        finally:
            self._loop.remove_writer(descriptor)

    def _on_exit(self) -> None:
        """Ends the rest of the group before the process is reaped, while its id is still ours."""
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        if self._killer is not None:
            self._killer.cancel()
        self._kill_group()
        self._popen.wait()
        self._exited.set()

    def _kill_group(self) -> None:
        try:
            os.killpg(self._popen.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


def _popen(command: Command, stdin: int, stdout: int, stderr: int) -> subprocess.Popen[bytes]:
    launcher = [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(command.stdio)]
    return subprocess.Popen(
        [*launcher, *command.arguments],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        cwd=command.directory,
        env=dict(command.environment),
        start_new_session=True,
    )


def _close(*descriptors: int | None) -> None:
    for descriptor in descriptors:
        if descriptor is not None:
            os.close(descriptor)
