"""What befalls machines and containers of a simulated cluster.

The parts that imitate a cloud and its nodes ask here, where chance or a plan may have a say; by
default nothing befalls anyone.
"""

from dataclasses import dataclass
from typing import Protocol

from simulator.kubernetes.status import Object


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchFate:
    """``delay`` in seconds, on top of what a launch takes.

    ``refused`` is a reason that the claim shows from then on; ``fails`` has the provisioner delete
    the claim, as Karpenter does; ``lost`` launches never end.
    """

    delay: float = 0.0
    refused: str = ""
    fails: bool = False
    lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StartFate:
    """``delay`` in seconds, on top of what loading takes; ``exit_code`` ends it instead."""

    delay: float = 0.0
    exit_code: int | None = None


class Fate(Protocol):
    """Each answer is final: asked again of the same claim or container, it is the same."""

    def of_launch(self, claim: Object) -> LaunchFate: ...

    def of_gpus(self, node: Object) -> float:
        """By how many seconds the node's GPUs are late."""
        ...

    def of_pull(self, pod: Object) -> str:
        """Why no image of the pod can be pulled now; "" where they can."""
        ...

    def of_start(self, pod: Object, container: str, attempt: int) -> StartFate: ...


class GoodFortune:
    """Implements Fate: all goes well."""

    def of_launch(self, claim: Object) -> LaunchFate:  # noqa: ARG002
        return LaunchFate()

    def of_gpus(self, node: Object) -> float:  # noqa: ARG002
        return 0.0

    def of_pull(self, pod: Object) -> str:  # noqa: ARG002
        return ""

    def of_start(self, pod: Object, container: str, attempt: int) -> StartFate:  # noqa: ARG002
        return StartFate()
