"""Gets a container as far as its first instruction: image, configuration, start.

Neither a missing image nor a missing Secret is ever given up, since both may yet appear; each try
that fails says why, in the container's ``state.waiting`` and in an Event.
"""

import asyncio
from collections.abc import Callable

from simulator.kubelet.container_record import CREATING, Waiting
from simulator.kubelet.environment import ConfigError
from simulator.kubelet.image_reference import InvalidImageNameError, parse_image
from simulator.kubelet.pod_access import PodAccess
from simulator.kubelet.restart_backoff import RestartBackoff
from simulator.kubelet.runtime import ContainerConfig, ImagePullError
from simulator.kubelet.volumes import VolumeError
from simulator.kubernetes.status import Object

Report = Callable[[Waiting], None]


class ImageNeverPulledError(Exception):
    """The image is not on the node, and its pull policy is Never."""


async def pull_until_present(access: PodAccess, container: Object, report: Report) -> str:
    """The id of the container's image."""
    image, backoff = container["image"], RestartBackoff(failures=1)
    while True:
        try:
            return await _pull(access, container)
        except InvalidImageNameError as error:
            access.warning("InspectFailed", f"Failed to apply default image tag: {error}")
            refused = Waiting("InvalidImageName", str(error))
        except ImageNeverPulledError as error:
            access.warning("ErrImageNeverPull", str(error))
            refused = Waiting("ErrImageNeverPull", str(error))
        except ImagePullError as error:
            access.warning("Failed", f'Failed to pull image "{image}": {error}')
            access.warning("Failed", "Error: ErrImagePull")
            report(Waiting("ErrImagePull", str(error)))
            access.normal("BackOff", f'Back-off pulling image "{image}"')
            refused = Waiting("ImagePullBackOff", f'Back-off pulling image "{image}": {error}')
        backoff = backoff.after_run_of(0, access.timings)
        await asyncio.sleep(access.timings.image_error_shown)
        report(refused)
        await asyncio.sleep(backoff.delay(access.timings))


async def configure_until_complete(
    access: PodAccess, container: Object, attempt: int, report: Report
) -> ContainerConfig:
    backoff = RestartBackoff(failures=1)
    while True:
        try:
            return access.configure(container, attempt)
        except (ConfigError, VolumeError, ValueError) as error:
            access.warning("Failed", f"Error: {error}")
            report(Waiting("CreateContainerConfigError", str(error)))
        backoff = backoff.after_run_of(0, access.timings)
        await asyncio.sleep(backoff.delay(access.timings))
        report(CREATING)


async def _pull(access: PodAccess, container: Object) -> str:
    image, runtime = container["image"], access.runtime
    reference = parse_image(image)
    policy = container.get("imagePullPolicy") or (
        "Always" if reference.is_latest else "IfNotPresent"
    )
    present = runtime.is_present(image)
    if policy == "Never" and not present:
        raise ImageNeverPulledError(
            f'Container image "{image}" is not present with pull policy of Never'
        )
    if present and policy != "Always":
        image_id = await runtime.pull(image, _ignore)
        access.normal("Pulled", f'Container image "{image}" already present on machine')
        return image_id
    access.normal("Pulling", f'Pulling image "{image}"')
    started = access.clock.now()
    image_id = await runtime.pull(image, lambda line: access.normal("Pulling", line))
    seconds = (access.clock.now() - started).total_seconds()
    access.normal("Pulled", f'Successfully pulled image "{image}" in {seconds:.3f}s')
    return image_id


def _ignore(_line: str) -> None:
    """The image is there already: nothing to report."""
