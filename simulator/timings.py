"""How long the simulated world takes to do things, in seconds.

The defaults suit a person who watches ``moorage up``; a test passes its own, often zero. What a
real cloud takes is noted beside each, so that a slow-motion run can be configured from it.
"""

from dataclasses import dataclass, replace
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    # The cloud beneath a node claim (AKS takes 2 to 6 minutes in all for a GPU node).
    instance_launch: float = 2.0
    node_registration: float = 2.0
    gpu_registration: float = 1.0
    node_drain_limit: float = 30.0
    instance_termination: float = 1.0

    # From a Node's registration until its network is up and it is Ready (AKS: 10 to 60 s).
    node_readiness: float = 0.0

    # Heartbeats and the node controller (Kubernetes: 10, 40, 50 and 300 seconds).
    lease_renewal: float = 10.0
    lease_duration: float = 40.0
    default_toleration: float = 300.0

    # How long events are kept (Kubernetes: an hour).
    event_retention: float = 3600.0

    # Workload controllers (Kubernetes: first retry of a failed Job's pod after 10, at most 600).
    job_backoff: float = 1.0
    job_backoff_limit: float = 60.0

    # Kubelets of simulated nodes.
    image_pull: float = 1.0
    container_start: float = 0.5
    simulated_model_load: float = 2.0

    # Kubelets everywhere (Kubernetes: restart back-off from 10 seconds, doubling up to 300).
    restart_backoff: float = 1.0
    restart_backoff_limit: float = 30.0
    restart_backoff_reset: float = 600.0  # of running, after which a container starts afresh
    image_error_shown: float = 0.5  # before ErrImagePull turns into ImagePullBackOff

    def scaled(self, factor: float) -> Self:
        """What simulated machines, images and models take, times ``factor``; no limits."""
        return replace(
            self,
            instance_launch=self.instance_launch * factor,
            node_registration=self.node_registration * factor,
            gpu_registration=self.gpu_registration * factor,
            node_readiness=self.node_readiness * factor,
            instance_termination=self.instance_termination * factor,
            image_pull=self.image_pull * factor,
            container_start=self.container_start * factor,
            simulated_model_load=self.simulated_model_load * factor,
        )
