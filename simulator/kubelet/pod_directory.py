"""A local pod's files: volumes, logs, and one working directory for each container.

Local processes share the machine's root directory. What a container would see below the mount
path of a volume is therefore found in its command line and environment, and rewritten to where
the volume really is.
"""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from simulator.kubelet.runtime import StartError
from simulator.kubelet.volumes import Claim, EmptyDirectory, Files, HostPath, Mount, Volume

SECRET_MODE = 0o600
LOGS_KEPT = 2  # of the present start and of the one before


class PodDirectory:
    def __init__(self, state_directory: Path, uid: str) -> None:
        self._state = state_directory
        self._root = state_directory / "pods" / uid

    def container(self, name: str) -> Path:
        """Working and home directory of a container."""
        directory = self._root / "containers" / name
        directory.mkdir(parents=True, exist_ok=True)
        return directory

    def log(self, container: str, attempt: int) -> Path:
        return self._root / "logs" / container / f"{attempt}.log"

    def forget_old_logs(self, container: str, attempt: int) -> None:
        for path in self.log(container, attempt).parent.glob("*.log*"):
            if int(path.name.split(".")[0]) <= attempt - LOGS_KEPT:
                path.unlink(missing_ok=True)

    def prepare(self, volumes: Sequence[Volume]) -> None:
        """Raises StartError."""
        for volume in volumes:
            directory = self._directory(volume)
            match volume:
                case HostPath(create=False):
                    if not directory.exists():
                        raise StartError(f"hostPath {directory} does not exist on this machine")
                case Files():
                    _write(directory, volume)
                case _:
                    directory.mkdir(parents=True, exist_ok=True)

    def source(self, mount: Mount) -> Path:
        """Where what is mounted really is."""
        directory = self._directory(mount.volume)
        if not mount.sub_path:
            return directory
        source = _inside(directory, mount.sub_path)
        if not source.exists():
            source.mkdir(parents=True)
        return source

    def rewrite(self, text: str, mounts: Sequence[Mount]) -> str:
        """``text`` with every path at or below a mount replaced; the longest mount wins."""
        sources = {mount.path: str(self.source(mount)) for mount in mounts if mount.path != "/"}
        if not sources:
            return text
        paths = "|".join(re.escape(path) for path in sorted(sources, key=len, reverse=True))
        pattern = rf"(?<![\w./-])({paths})(?=$|[^\w.-])"
        return re.sub(pattern, lambda match: sources[match.group(1)], text)

    def remove(self) -> None:
        shutil.rmtree(self._root, ignore_errors=True)

    def _directory(self, volume: Volume) -> Path:
        match volume:
            case HostPath():
                return Path(volume.path)
            case Claim():
                return self._state / "claims" / volume.uid
            case EmptyDirectory() | Files():
                return self._root / "volumes" / volume.name


def _write(directory: Path, volume: Files) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in volume.files.items():
        path = _inside(directory, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(SECRET_MODE)


def _inside(directory: Path, relative: str) -> Path:
    path = (directory / relative).resolve()
    if not path.is_relative_to(directory.resolve()):
        raise StartError(f"path {relative!r} leads out of its volume")
    return path
