"""The images that the local runtime knows, and how each becomes a process of this machine."""

import asyncio
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol

import simulator
from simulator.kubelet import triton_installation
from simulator.kubelet.image_reference import InvalidImageNameError, parse_image
from simulator.kubelet.runtime import ImagePullError, Progress, StartError
from simulator.kubelet.triton_installation import InstallationError, TritonInstallation

SOURCE_ROOT = Path(simulator.__file__).parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """``environment`` is the image's own; the container's wins over it."""

    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    shared_memory_prefix: str = ""


class Program(Protocol):
    """What an image holds, in terms of this machine."""

    @property
    def repositories(self) -> Sequence[str]:
        """Patterns of the image repositories (shell wildcards)."""
        ...

    @property
    def entrypoint(self) -> Sequence[str]:
        """What a container without ``command`` runs."""
        ...

    def is_present(self) -> bool: ...

    async def prepare(self, progress: Progress) -> None:
        """Raises ImagePullError."""
        ...

    def launch(self, arguments: Sequence[str], start_id: str) -> Launch:
        """``arguments`` begins with the program; ``start_id`` is unique to this start.

        Raises StartError.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineProgram:
    """An image whose programs are found on this machine's PATH."""

    repositories: Sequence[str]
    entrypoint: Sequence[str]

    def is_present(self) -> bool:
        return not self.entrypoint or shutil.which(self.entrypoint[0]) is not None

    async def prepare(self, progress: Progress) -> None:  # noqa: ARG002 - nothing takes long
        if not self.is_present():
            raise ImagePullError(
                f"it stands for this machine's own {self.entrypoint[0]}, which is not on the PATH; "
                f"install {self.entrypoint[0]}"
            )

    def launch(self, arguments: Sequence[str], start_id: str) -> Launch:  # noqa: ARG002
        return Launch(arguments=arguments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curl:
    """This machine's curl, behind the entrypoint script of the image of that name.

    The script runs its arguments where the first is a command, and else hands them to curl.
    """

    repositories: Sequence[str] = ("curlimages/curl*",)
    entrypoint: Sequence[str] = ("/entrypoint.sh",)

    def is_present(self) -> bool:
        return shutil.which("curl") is not None

    async def prepare(self, progress: Progress) -> None:  # noqa: ARG002 - nothing takes long
        if not self.is_present():
            raise ImagePullError("it stands for this machine's own curl, which is not installed")

    def launch(self, arguments: Sequence[str], start_id: str) -> Launch:  # noqa: ARG002
        first, *rest = arguments
        if first != self.entrypoint[0]:
            return Launch(arguments=arguments)
        is_command = bool(rest) and not rest[0].startswith("-") and shutil.which(rest[0])
        return Launch(arguments=rest if is_command else ["curl", *rest])


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonModule:
    """One of our own programs, in the Python that runs this."""

    repositories: Sequence[str]
    module: str
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def entrypoint(self) -> Sequence[str]:
        return (sys.executable, "-m", self.module)

    def is_present(self) -> bool:
        return True

    async def prepare(self, progress: Progress) -> None:
        """It came with this program."""

    def launch(self, arguments: Sequence[str], start_id: str) -> Launch:  # noqa: ARG002
        environment = {"PYTHONPATH": str(SOURCE_ROOT), "PYTHONUNBUFFERED": "1"}
        return Launch(arguments=arguments, environment={**environment, **self.environment})


@dataclass(frozen=True, slots=True, kw_only=True)
class Triton:
    """The real Triton Inference Server; pulling its image installs it."""

    cache_directory: Path
    repositories: Sequence[str] = ("ghcr.io/moorage/triton",)
    entrypoint: Sequence[str] = ("tritonserver",)

    def is_present(self) -> bool:
        return self._installation() is not None

    async def prepare(self, progress: Progress) -> None:
        if (reason := triton_installation.unsupported_reason()) is not None:
            raise ImagePullError(reason)
        loop = asyncio.get_running_loop()

        def report(line: str) -> None:
            loop.call_soon_threadsafe(progress, line)

        try:
            await asyncio.to_thread(triton_installation.install, self.cache_directory, report)
        except InstallationError as error:
            raise ImagePullError(str(error)) from error

    def launch(self, arguments: Sequence[str], start_id: str) -> Launch:
        installation = self._installation()
        if installation is None:
            raise StartError(f"Triton is no longer installed in {self.cache_directory}")
        program, *rest = arguments
        if Path(program).name != "tritonserver":
            return Launch(arguments=arguments, environment=installation.environment)
        prefix = f"moorage_{start_id}_"
        return Launch(
            arguments=installation.command(rest, shared_memory_prefix=prefix),
            environment=installation.environment,
            shared_memory_prefix=prefix,
        )

    def _installation(self) -> TritonInstallation | None:
        if triton_installation.unsupported_reason() is not None:
            return None
        return triton_installation.find(self.cache_directory)


def known_programs(cache_directory: Path) -> list[Program]:
    """``cache_directory`` is the machine's, where downloads are kept."""
    weights_cache = {"MOORAGE_WEIGHTS_CACHE": str(cache_directory / "weights")}
    return [
        Triton(cache_directory=cache_directory),
        PythonModule(repositories=("ghcr.io/moorage/gateway",), module="workloads.gateway"),
        PythonModule(
            repositories=("ghcr.io/moorage/weights",),
            module="workloads.weights",
            environment=weights_cache,
        ),
        Curl(),
    ]


@dataclass(frozen=True, slots=True)
class ImageTable:
    programs: Sequence[Program]

    def knows(self, image: str) -> bool:
        """A malformed reference is known to be wrong: the kubelet has words for that."""
        try:
            self.program(image)
        except ImagePullError:
            return False
        except InvalidImageNameError:
            return True
        return True

    def program(self, image: str) -> Program:
        """Raises ImagePullError where the image is not known here, InvalidImageNameError."""
        repository = parse_image(image).familiar_repository
        for program in self.programs:
            if any(fnmatchcase(repository, pattern) for pattern in program.repositories):
                return program
        known = ", ".join(pattern for one in self.programs for pattern in one.repositories)
        raise ImagePullError(f"the local runtime runs only these images: {known}")
