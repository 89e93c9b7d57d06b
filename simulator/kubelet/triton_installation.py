"""Installs the real Triton Inference Server for locally run pods, from a Python package.

The package ``nvidia-pytriton`` carries the server's binaries: ``tritonserver``, the python backend
and the local cache. Only those are used; its Python code and declared dependencies are not.

The python backend runs a model in a *stub* process that embeds Python. That stub takes its modules
from the ``python3`` that comes first on ``PATH``, and ignores ``PYTHONPATH``; so the modules that a
model needs live in a *runtime* virtual environment of their own. It is kept on numpy 1: the stub of
Triton 24.10 aborts on numpy 2 (triton-inference-server/python_backend pull request 384).
"""

import ctypes
import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

TRITON_RELEASE = "24.10"
SERVER_PACKAGE = "nvidia-pytriton==0.7.0"  # Triton 2.51.0, release 24.10
RUNTIME_PACKAGES = ("numpy==1.26.4", "onnxruntime>=1.32,<2", "tokenizers>=0.23,<1", "jinja2>=3.1.6")
NEEDED_GLIBC = (2, 35)  # the wheel's platform tag: manylinux_2_35
SUPPORTED_PYTHONS = ((3, 11), (3, 12))  # numpy 1 has no wheels for later ones
STEP_TIMEOUT_SECONDS = 1800

Progress = Callable[[str], None]


class InstallationError(Exception):
    """Triton could not be installed; the message says which step failed and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TritonInstallation:
    """A complete installation: where the server is and what it needs around it."""

    server: Path
    backend_directory: Path
    cache_directory: Path
    environment: Mapping[str, str]

    def command(self, arguments: list[str], *, shared_memory_prefix: str) -> list[str]:
        """The argument vector of a server started with a container's ``arguments``.

        The server's images have their backends at built-in places; this one names them. The
        prefix names the server's regions in ``/dev/shm``, for ``remove_shared_memory``.
        """
        return [
            str(self.server),
            f"--backend-directory={self.backend_directory}",
            f"--cache-directory={self.cache_directory}",
            f"--backend-config=python,shm-region-prefix-name={shared_memory_prefix}",
            *arguments,
        ]


def remove_shared_memory(prefix: str) -> None:
    """Removes what a server that died without cleaning up left in ``/dev/shm``."""
    for region in Path("/dev/shm").glob(f"{prefix}*"):  # noqa: S108 - where the backend puts them
        region.unlink(missing_ok=True)


def unsupported_reason() -> str | None:
    """Why the real Triton cannot run on this machine, or None where it can."""
    system, machine = platform.system(), platform.machine()
    if (system, machine) != ("Linux", "x86_64"):
        return f"Triton's binaries are for Linux on x86-64; this is {system} on {machine}"
    if (reason := _old_glibc()) is not None:
        return reason
    if sys.version_info[:2] not in SUPPORTED_PYTHONS:
        supported = " or ".join(f"{major}.{minor}" for major, minor in SUPPORTED_PYTHONS)
        return (
            f"Triton's python backend needs numpy 1, hence Python {supported}; "
            f"this is Python {platform.python_version()}"
        )
    if _shared_python_directory() is None:
        return (
            f"Triton's python backend embeds Python and needs its shared library "
            f"({_shared_python_name()}), which this Python does not have"
        )
    return None


def find(cache_directory: Path) -> TritonInstallation | None:
    """The complete installation below ``cache_directory``, or None; nothing is changed."""
    root = _root(cache_directory)
    if not _is_complete(root):
        return None
    return _installation(root)


def install(cache_directory: Path, progress: Progress) -> TritonInstallation:
    """The installation below ``cache_directory``, made first where it is missing.

    An interrupted installation is made anew. Processes that ask at the same time wait for one
    another. ``progress`` gets lines for people; it is called in the calling thread.

    Raises InstallationError.
    """
    if (reason := unsupported_reason()) is not None:
        raise InstallationError(reason)
    root = _root(cache_directory)
    root.parent.mkdir(parents=True, exist_ok=True)
    with _lock(root.with_suffix(".lock"), progress):
        if not _is_complete(root):
            _install(root, progress)
    return _installation(root)


def _install(root: Path, progress: Progress) -> None:
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    progress("Triton runtime: creating a private Python environment")
    _run([sys.executable, "-m", "venv", str(_runtime(root))], progress)
    pip = [
        str(_runtime(root) / "bin" / "python3"),
        *("-m", "pip", "--disable-pip-version-check", "--no-input", "install"),
        *("--progress-bar", "off", "--only-binary", ":all:"),
    ]
    progress(f"Triton server: installing {SERVER_PACKAGE} (about 55 MB to download)")
    _run([*pip, "--no-deps", "--target", str(_tree(root)), SERVER_PACKAGE], progress)
    _place_stub(_server_directory(root))
    progress(f"Triton runtime: installing {', '.join(RUNTIME_PACKAGES)} (about 60 MB to download)")
    _run([*pip, *RUNTIME_PACKAGES], progress)
    _mark_complete(root)
    progress("Triton server: installed")


def _place_stub(server_directory: Path) -> None:
    """Puts the stub of the running Python where the python backend looks for it.

    It keeps the depth of its folder: the stub finds its libraries by a relative path.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    name = "triton_python_backend_stub"
    source = server_directory / "python_backend_stubs" / version / name
    target = server_directory / "backends" / "python" / name
    shutil.copy2(source, target)
    for executable in (target, server_directory / "bin" / "tritonserver"):
        executable.chmod(0o755)


def _run(command: list[str], progress: Progress) -> None:
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        env=_clean_environment(),
    )
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    deadline = Timer(STEP_TIMEOUT_SECONDS, process.kill)
    deadline.start()
    lines: deque[str] = deque(maxlen=15)
    try:
        with process:
            for line in process.stdout:
                lines.append(line.rstrip())
                if _is_news(line):
                    progress("  " + line.strip())
    finally:
        deadline.cancel()
    if process.returncode != 0:
        detail = "\n".join(lines)
        raise InstallationError(
            f"{' '.join(command)} exited with {process.returncode}; it said last:\n{detail}"
        )


def _is_news(line: str) -> bool:
    return line.lstrip().startswith(("Downloading", "Using cached", "Successfully installed"))


def _clean_environment() -> dict[str, str]:
    """The caller's environment without what would make the runtime's pip install elsewhere."""
    foreign = ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if name not in foreign}


def _installation(root: Path) -> TritonInstallation:
    server_directory = _server_directory(root)
    libraries = [str(_tree(root) / "nvidia_pytriton.libs")]
    if shared_python := _shared_python_directory():
        libraries.insert(0, str(shared_python))
    return TritonInstallation(
        server=server_directory / "bin" / "tritonserver",
        backend_directory=server_directory / "backends",
        cache_directory=server_directory / "caches",
        environment={
            "PATH": f"{_runtime(root) / 'bin'}:/usr/bin:/bin",
            "LD_LIBRARY_PATH": ":".join(libraries),
        },
    )


def _root(cache_directory: Path) -> Path:
    """The installation's folder, named after its contents: two Pythons do not share one."""
    digest = hashlib.sha256(json.dumps(_contents()).encode()).hexdigest()
    return cache_directory.resolve() / "triton" / f"{TRITON_RELEASE}-{digest[:12]}"


def _tree(root: Path) -> Path:
    return root / "server"


def _server_directory(root: Path) -> Path:
    return _tree(root) / "pytriton" / "tritonserver"


def _runtime(root: Path) -> Path:
    return root / "runtime"


def _marker(root: Path) -> Path:
    return root / "complete.json"


def _contents() -> dict[str, object]:
    """What a complete installation is made of."""
    return {
        "release": TRITON_RELEASE,
        "server": SERVER_PACKAGE,
        "runtime": list(RUNTIME_PACKAGES),
        "python": [sys.base_prefix, platform.python_version()],
    }


def _mark_complete(root: Path) -> None:
    partial = _marker(root).with_suffix(".partial")
    partial.write_text(json.dumps(_contents()), encoding="utf-8")
    partial.replace(_marker(root))


def _is_complete(root: Path) -> bool:
    try:
        contents = json.loads(_marker(root).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(contents == _contents())


@contextmanager
def _lock(path: Path, progress: Progress) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("Triton server: waiting for another installation to finish")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _old_glibc() -> str | None:
    library, version = platform.libc_ver()
    needed = ".".join(str(part) for part in NEEDED_GLIBC)
    if library != "glibc":
        return (
            f"Triton's binaries need glibc {needed} or later; this system has {library or 'none'}"
        )
    if tuple(int(part) for part in version.split(".")[:2]) < NEEDED_GLIBC:
        return f"Triton's binaries need glibc {needed} or later; this system has {version}"
    return None


def _shared_python_name() -> str:
    return f"libpython{sys.version_info.major}.{sys.version_info.minor}.so.1.0"


def _shared_python_directory() -> Path | None:
    """The folder of this Python's shared library; Debian keeps it in a multiarch folder."""
    library_directory = Path(str(sysconfig.get_config_var("LIBDIR")))
    multiarch = library_directory / str(sysconfig.get_config_var("MULTIARCH") or "")
    for directory in (Path(sys.base_prefix) / "lib", library_directory, multiarch):
        if _loads(directory / _shared_python_name()):
            return directory
    return None


def _loads(library: Path) -> bool:
    if not library.exists():
        return False
    try:
        ctypes.CDLL(str(library))
    except OSError:
        return False
    return True
