"""A container's log on disk, in the format of the container runtime interface.

Each line is ``time stream F text``; ``P`` in place of ``F`` marks a line that goes on in the next
entry (Kubernetes, "CRI logging"). A log is bounded: at its limit it moves to ``.1``, in place of
the one that was there, and a new one begins.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from simulator.clock import Clock
from simulator.kubernetes.pod_streams import Channel, LogOptions

LIMIT_BYTES = 10 * 1024 * 1024  # containerLogMaxSize of the kubelet
LINE_LIMIT_BYTES = 16 * 1024
_STREAMS = {Channel.STDOUT: b"stdout", Channel.STDERR: b"stderr"}


@dataclass(frozen=True, slots=True)
class Entry:
    time: bytes
    text: bytes

    def as_line(self, *, timestamps: bool) -> bytes:
        return self.time + b" " + self.text if timestamps else self.text


class ContainerLog:
    """Open for writing while its container runs."""

    def __init__(self, path: Path, clock: Clock, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self._path = path
        self._clock = clock
        self._limit = limit_bytes
        self._open_lines: dict[Channel, bytes] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("ab", buffering=0)
        self._size = self._file.tell()
        self.rotations = 0
        self.closed = False
        self._grown = asyncio.Event()

    def append(self, channel: Channel, data: bytes) -> None:
        """A line is written once it is complete, or too long to wait for its end."""
        *lines, rest = (self._open_lines.pop(channel, b"") + data).split(b"\n")
        for line in lines:
            self._write(channel, b"F", line)
        while len(rest) > LINE_LIMIT_BYTES:
            self._write(channel, b"P", rest[:LINE_LIMIT_BYTES])
            rest = rest[LINE_LIMIT_BYTES:]
        if rest:
            self._open_lines[channel] = rest
        self._wake()

    def close(self) -> None:
        for channel, rest in self._open_lines.items():
            self._write(channel, b"P", rest)
        self._open_lines.clear()
        self._file.close()
        self.closed = True
        self._wake()

    async def grown(self) -> None:
        """Until something was written, or the log was closed."""
        await self._grown.wait()

    def _write(self, channel: Channel, tag: bytes, text: bytes) -> None:
        entry = b" ".join((_timestamp(self._clock.now()), _STREAMS[channel], tag, text)) + b"\n"
        if self._size + len(entry) > self._limit and self._size:
            self._rotate()
        self._file.write(entry)
        self._size += len(entry)

    def _rotate(self) -> None:
        self._file.close()
        self._path.replace(rotated(self._path))
        self._file = self._path.open("ab", buffering=0)
        self._size = 0
        self.rotations += 1

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()


def rotated(path: Path) -> Path:
    return path.with_name(path.name + ".1")


async def read_log(
    path: Path, writer: ContainerLog | None, options: LogOptions, now: datetime
) -> AsyncIterator[bytes]:
    """What ``kubectl logs`` prints. ``writer`` is the open log, where the container still runs."""
    budget = options.limit_bytes
    async for line in _lines(path, writer, options, now):
        if budget is None:
            yield line
            continue
        yield line[:budget]
        budget -= len(line)
        if budget <= 0:
            return


async def _lines(
    path: Path, writer: ContainerLog | None, options: LogOptions, now: datetime
) -> AsyncIterator[bytes]:
    rotations = writer.rotations if writer else 0
    with path.open("rb") as file:
        past = [*_entries_of(rotated(path)), *_entries(file)]
        for entry in _selected(past, options, now):
            yield entry.as_line(timestamps=options.timestamps)
        if writer is None or not options.follow:
            return
        async for entry in _following(path, file, writer, rotations):
            yield entry.as_line(timestamps=options.timestamps)


async def _following(
    path: Path, file: BinaryIO, writer: ContainerLog, rotations: int
) -> AsyncIterator[Entry]:
    """What is appended to ``file``, and to the logs that take its place."""
    with ExitStack() as opened:
        while True:
            closed = writer.closed
            for entry in _entries(file):
                yield entry
            if writer.rotations != rotations:
                rotations = writer.rotations
                opened.close()
                file = opened.enter_context(path.open("rb"))
            elif closed:
                return
            else:
                await writer.grown()


def _selected(entries: list[Entry], options: LogOptions, now: datetime) -> Iterable[Entry]:
    if options.since_seconds is not None:
        oldest = _timestamp(now - timedelta(seconds=options.since_seconds))
        entries = [entry for entry in entries if entry.time >= oldest]
    if options.tail_lines is not None:
        entries = entries[-options.tail_lines :] if options.tail_lines else []
    return entries


def _entries_of(path: Path) -> Iterator[Entry]:
    if path.exists():
        with path.open("rb") as file:
            yield from _entries(file)


def _entries(file: BinaryIO) -> Iterator[Entry]:
    """Whole lines; an entry cut short by a crash is left out."""
    time, text = b"", b""
    for line in file:
        parts = line.split(b" ", 3)
        if len(parts) != 4 or not line.endswith(b"\n"):  # noqa: PLR2004 - the format's fields
            continue
        time, text = time or parts[0], text + parts[3][:-1]
        if parts[2] == b"F":
            yield Entry(time, text + b"\n")
            time, text = b"", b""
    if text:
        yield Entry(time, text)


def _timestamp(instant: datetime) -> bytes:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()
