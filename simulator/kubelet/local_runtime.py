"""Runs the containers of known images as processes of this machine.

There is no isolation but the pod's own loopback address, environment and directories: what runs
here is what runs on the developer's machine anyway.
"""

import hashlib
import os
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from pathlib import Path

from simulator.clock import Clock
from simulator.kubelet.container_log import ContainerLog, read_log
from simulator.kubelet.images import ImageTable, Launch, Program
from simulator.kubelet.local_container import LocalContainer, Start
from simulator.kubelet.pod_directory import PodDirectory
from simulator.kubelet.process import Command, Stdio
from simulator.kubelet.process_records import ProcessRecords
from simulator.kubelet.runtime import (
    ContainerConfig,
    ImagePullError,
    Progress,
    StartError,
)
from simulator.kubelet.triton_installation import remove_shared_memory
from simulator.kubelet.volumes import Volume
from simulator.kubernetes.pod_streams import LogOptions
from simulator.kubernetes.status import ApiError, Object

SCHEME = "local"
PROCESSES = "processes"
"""The folder of a state directory that holds the records of what runs."""


def unsupported_reason() -> str | None:
    """Why no local process can be run here, or None where it can."""
    if sys.platform == "linux" and hasattr(os, "pidfd_open"):
        return None
    return "local processes of pods need Linux: its loopback network, pidfds and death signals"


class LocalRuntime:
    """``directory`` is the cluster's state directory."""

    name = SCHEME
    simulated_because: str | None = None

    def __init__(self, *, directory: Path, images: ImageTable, clock: Clock) -> None:
        self._directory = directory
        self._images = images
        self._clock = clock
        self._records = ProcessRecords(directory / PROCESSES)
        self._logs: dict[Path, ContainerLog] = {}

    def end_leftovers(self) -> None:
        """Ends processes of an earlier life of the cluster. Call it before any start."""
        self._records.end_leftovers()

    def forget_all_except(self, pods: set[str], claims: set[str]) -> None:
        """Removes the files of pods and volume claims that have gone, by their uids."""
        for folder, present in (("pods", pods), ("claims", claims)):
            for path in (self._directory / folder).glob("*"):
                if path.name not in present:
                    shutil.rmtree(path, ignore_errors=True)

    def stranger(self, pod: Object) -> str | None:
        """The pod's first image that is none of those known here; None where all are known."""
        spec = pod["spec"]
        containers = [*(spec.get("initContainers") or ()), *spec["containers"]]
        strange = (one["image"] for one in containers if not self._images.knows(one["image"]))
        return next(strange, None)

    def is_present(self, image: str) -> bool:
        try:
            return self._images.program(image).is_present()
        except ImagePullError:
            return False

    async def pull(self, image: str, progress: Progress) -> str:
        await self._images.program(image).prepare(progress)
        return f"{SCHEME}://{image}"

    async def prepare_volumes(self, pod: Object, volumes: Sequence[Volume]) -> None:
        try:
            self._pod(pod).prepare(volumes)
        except OSError as error:
            raise StartError(f"volumes could not be set up: {error}") from error

    async def start(self, config: ContainerConfig) -> LocalContainer:
        """Never waits, so it cannot be cancelled halfway."""
        start_id = _digest(config)
        program = self._images.program(config.image)
        launch = program.launch(_arguments(config, program), start_id)
        command = self._command(config, launch)
        if shutil.which(command.arguments[0], path=command.environment["PATH"]) is None:
            raise StartError(f'exec: "{command.arguments[0]}": executable file not found in $PATH')
        files = self._pod(config.pod)
        path = files.log(config.name, config.attempt)
        files.forget_old_logs(config.name, config.attempt)
        log = self._logs[path] = ContainerLog(path, self._clock)
        prefix = launch.shared_memory_prefix
        start = Start(
            id=f"{SCHEME}://{start_id}",
            started_at=self._clock.now(),
            config=config,
            command=command,
            log=log,
            rewrite=lambda text: files.rewrite(text, config.mounts),
            on_start=lambda pid: self._records.add(pid, _owner(config), prefix),
            on_end=lambda pid: self._tidy(pid, path, prefix),
        )
        try:
            return LocalContainer(start)
        except OSError as error:
            log.close()
            del self._logs[path]
            raise StartError(f"the process could not be started: {error}") from error

    def recover(self, pod: Object, name: str, container_id: str, started_at: datetime) -> None:
        """Local processes die with their kubelet."""

    async def logs(
        self, pod: Object, container: str, attempt: int, options: LogOptions
    ) -> AsyncIterator[bytes]:
        """Raises ApiError 400 where there is no such log."""
        path = self._pod(pod).log(container, attempt)
        if not path.exists():
            message = f'container "{container}" in pod "{pod["metadata"]["name"]}" has no log yet'
            raise ApiError(400, "BadRequest", message)
        async for line in read_log(path, self._logs.get(path), options, self._clock.now()):
            yield line

    def remove_pod(self, uid: str) -> None:
        PodDirectory(self._directory, uid).remove()

    def _pod(self, pod: Object) -> PodDirectory:
        return PodDirectory(self._directory, pod["metadata"]["uid"])

    def _command(self, config: ContainerConfig, launch: Launch) -> Command:
        files = self._pod(config.pod)

        def rewrite(text: str) -> str:
            return files.rewrite(text, config.mounts)

        home = files.container(config.name)
        own = {name: rewrite(value) for name, value in config.environment.items()}
        directory = home
        if config.working_directory:
            directory = Path(rewrite(config.working_directory))
        return Command(
            arguments=[rewrite(argument) for argument in launch.arguments],
            environment={**_base_environment(config, home), **launch.environment, **own},
            directory=directory,
            stdio=Stdio.TERMINAL if config.tty else Stdio.PIPES,
            stdin=config.stdin,
        )

    def _tidy(self, pid: int, log: Path, shared_memory_prefix: str) -> None:
        """What is left to do when a container's process has ended."""
        del self._logs[log]
        if shared_memory_prefix:
            remove_shared_memory(shared_memory_prefix)
        self._records.remove(pid)


def _arguments(config: ContainerConfig, program: Program) -> list[str]:
    """``command`` replaces the image's entrypoint, ``args`` follow."""
    return [*(config.command or program.entrypoint), *config.arguments]


def _base_environment(config: ContainerConfig, home: Path) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "HOSTNAME": config.pod["metadata"]["name"],
        "LANG": "C.UTF-8",
        **({"TERM": "xterm"} if config.tty else {}),
    }


def _owner(config: ContainerConfig) -> str:
    metadata = config.pod["metadata"]
    return f"{metadata['namespace']}/{metadata['name']} {config.name}"


def _digest(config: ContainerConfig) -> str:
    """The same for the same start of the same container."""
    facts = f"{config.pod['metadata']['uid']}/{config.name}/{config.attempt}"
    return hashlib.sha256(facts.encode()).hexdigest()
