"""What runs on this machine for the cluster, on disk, so that it can be ended by others.

Each container leads a process group of its own. The launcher's death signal ends the leader with
its keeper; the rest of the group is ended by the reaper, or else by the next life of the cluster.
A record names a process by its id *and* its time of creation, so that another process which got
the id since is left alone.
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
    """``keeper`` is the cluster's process; ``shared_memory_prefix`` names regions to remove."""

    pid: int
    keeper: int
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
            pid=pid,
            keeper=os.getpid(),
            created=created,
            owner=owner,
            shared_memory_prefix=shared_memory_prefix,
        )
        self._path(pid).write_text(json.dumps(asdict(record)))

    def remove(self, pid: int) -> None:
        self._path(pid).unlink(missing_ok=True)

    def end_leftovers(self, keeper: int | None = None) -> list[ProcessRecord]:
        """Kills what an earlier life of the cluster left running; answers what it killed.

        With ``keeper`` only what that process kept: a new life may have begun meanwhile.
        """
        killed = []
        for record in self._all():
            if keeper not in (None, record.keeper):
                continue
            if _kill_group(record):
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


def _kill_group(record: ProcessRecord) -> bool:
    """Whether there was anything to kill.

    A process id is not given out again while a group bears it, so a group without its leader is
    still the container's.
    """
    if _is_another(record):
        return False
    members = [process for process in psutil.process_iter() if _group(process) == record.pid]
    if not members:
        return False
    try:
        os.killpg(record.pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    except PermissionError as error:
        log.warning("process group %d could not be ended: %s", record.pid, error)
        return False
    psutil.wait_procs(members, timeout=KILL_TIMEOUT_SECONDS)
    return True


def _is_another(record: ProcessRecord) -> bool:
    try:
        return psutil.Process(record.pid).create_time() != record.created
    except psutil.NoSuchProcess:
        return False


def _group(process: psutil.Process) -> int | None:
    try:
        return None if process.status() == psutil.STATUS_ZOMBIE else os.getpgid(process.pid)
    except (ProcessLookupError, psutil.NoSuchProcess):
        return None
