"""How long a kubelet waits before it starts a failed container again.

Kubernetes: the first restart is immediate, then the delay doubles from ``restart_backoff`` up to
``restart_backoff_limit``; a container that ran for ``restart_backoff_reset`` starts afresh.
"""

from dataclasses import dataclass, replace

from simulator.timings import Timings


@dataclass(frozen=True, slots=True)
class RestartBackoff:
    failures: int = 0

    def after_run_of(self, seconds: float, timings: Timings) -> "RestartBackoff":
        """The state after one more run, which lasted ``seconds``."""
        if seconds >= timings.restart_backoff_reset:
            return RestartBackoff(failures=1)
        return replace(self, failures=self.failures + 1)

    def delay(self, timings: Timings) -> float:
        if self.failures <= 1:
            return 0.0
        # Far beyond the limit the exponent no longer matters, and would overflow.
        doublings = min(self.failures - 2, 30)
        return float(min(timings.restart_backoff * 2**doublings, timings.restart_backoff_limit))
