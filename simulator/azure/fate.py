"""What befalls requests, pools and machines of the simulated Azure.

Its parts ask here, where chance or a plan may have a say; by default all goes well. Times are
seconds on top of what things take, and infinity is for ever.
"""

import math
from dataclasses import dataclass
from typing import Protocol

from simulator.azure.failures import Failure, Refusal
from simulator.azure.messages import Request
from simulator.azure.records import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class CreationFate:
    """Of an operation that makes machines.

    With a ``failure`` its machines never join, or join so long after it has failed; capacity that
    is wanting fails early, all else late. A ``delay`` without end leaves it in progress.
    """

    delay: float = 0.0
    failure: Failure | None = None
    joins_after_failure: float = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFate:
    """``registration_delay`` without end: the operation succeeds, and no Node ever comes.

    ``gpu_delay`` without end: no device plugin tells of GPUs.
    """

    registration_delay: float = 0.0
    gpu_delay: float = 0.0
    missing_gpus: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletionFate:
    """A ``delay`` without end leaves the pool in Deleting."""

    delay: float = 0.0
    failure: Failure | None = None


class Fate(Protocol):
    """Each question is asked once, and the answer kept."""

    def of_request(self, request: Request) -> Refusal | None:
        """What a request is refused with as it arrives, in place of what would be right."""
        ...

    def of_creation(self, pool: Pool) -> CreationFate: ...

    def of_machine(self, pool: Pool) -> MachineFate: ...

    def of_deletion(self, pool: Pool) -> DeletionFate: ...


class GoodFortune:
    """Implements Fate: all goes well."""

    def of_request(self, request: Request) -> Refusal | None:  # noqa: ARG002
        return None

    def of_creation(self, pool: Pool) -> CreationFate:  # noqa: ARG002
        return CreationFate()

    def of_machine(self, pool: Pool) -> MachineFate:  # noqa: ARG002
        return MachineFate()

    def of_deletion(self, pool: Pool) -> DeletionFate:  # noqa: ARG002
        return DeletionFate()
