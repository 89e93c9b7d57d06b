"""What runs on this machine for the cluster, on disk: the second line against leftovers.

The first is the launcher's death signal. A record names a process by its id *and* its time of
creation, so that another process which got the id since is left alone.
"""

import json
import logging
import os
import signal
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from simulator.kubelet.triton_installation import remove_shared_memory

log = logging.getLogger(__name__)

KILL_TIMEOUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRecord:
    """``shared_memory_prefix`` names regions to remove with the process; "" for none."""

    pid: int
    created: float
    owner: str
    shared_memory_prefix: str = ""


class ProcessRecords:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def add(self, pid: int, owner: str, shared_memory_prefix: str = "") -> None:
        """``owner`` is for people."""
        try:
            created = psutil.Process(pid).create_time()
        except psutil.NoSuchProcess:
            return
        record = ProcessRecord(
            pid=pid, created=created, owner=owner, shared_memory_prefix=shared_memory_prefix
        )
        self._path(pid).write_text(json.dumps(asdict(record)))

    def remove(self, pid: int) -> None:
        self._path(pid).unlink(missing_ok=True)

    def end_leftovers(self) -> list[ProcessRecord]:
        """Kills what an earlier life of the cluster left running; answers what it killed."""
        killed = []
        for record in self._all():
            process = _same_process(record)
            if process is not None:
                _kill_group(process)
                killed.append(record)
                log.warning("ended process %d (%s) of an earlier run", record.pid, record.owner)
            if record.shared_memory_prefix:
                remove_shared_memory(record.shared_memory_prefix)
            self.remove(record.pid)
        return killed

    def _all(self) -> Iterator[ProcessRecord]:
        for path in sorted(self._directory.glob("*.json")):
            try:
                yield ProcessRecord(**json.loads(path.read_text()))
            except (ValueError, TypeError):  # torn by the same kill that left the process
                path.unlink(missing_ok=True)

    def _path(self, pid: int) -> Path:
        return self._directory / f"{pid}.json"


def _same_process(record: ProcessRecord) -> psutil.Process | None:
    try:
        process = psutil.Process(record.pid)
        same = process.create_time() == record.created
    except psutil.NoSuchProcess:
        return None
    return process if same and process.status() != psutil.STATUS_ZOMBIE else None


def _kill_group(process: psutil.Process) -> None:
    """Each container leads its own process group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(KILL_TIMEOUT_SECONDS)
    except (ProcessLookupError, psutil.NoSuchProcess):
        return
    except (PermissionError, psutil.TimeoutExpired) as error:
        log.warning("process %d could not be ended: %s", process.pid, error)
