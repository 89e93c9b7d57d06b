"""Logs, attach, exec and port-forward of pods, as the API server asks its kubelets for them."""

from collections.abc import AsyncIterator

from simulator.kubelet.container_record import Running, Terminated
from simulator.kubelet.container_runner import ContainerRunner
from simulator.kubelet.kubelet import Workers
from simulator.kubelet.pod_worker import PodWorker
from simulator.kubelet.runtime import Container
from simulator.kubernetes.pod_streams import LogOptions, Session
from simulator.kubernetes.status import ApiError, Object


class KubeletPodStreams:
    """Implements ``simulator.kubernetes.pod_streams.PodStreams``."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers

    async def logs(self, pod: Object, container: str, options: LogOptions) -> AsyncIterator[bytes]:
        worker, runner = self._runner(pod, container)
        record = runner.record
        if options.previous and not record.restarts:
            message = f"previous terminated container {container!r} in pod {_name(pod)!r} not found"
            raise _bad_request(message)
        if not record.has_run:
            reason = getattr(record.state, "reason", "ContainerCreating")
            message = f"container {container!r} in pod {_name(pod)!r} is waiting to start: {reason}"
            raise _bad_request(message)
        attempt = record.restarts - (1 if options.previous else 0)
        async for line in worker.runtime.logs(pod, container, attempt, options):
            yield line

    async def attach(self, pod: Object, container: str, *, stdin: bool, tty: bool) -> Session:  # noqa: ARG002
        """A client may attach a moment after the end, and still gets what was said."""
        return await self._started(pod, container).attach()

    async def exec(
        self, pod: Object, container: str, command: list[str], *, stdin: bool, tty: bool
    ) -> Session:
        started = self._started(pod, container)
        _, runner = self._runner(pod, container)
        if not isinstance(runner.record.state, Running):
            raise _bad_request(f"container {container!r} of pod {_name(pod)!r} does not run")
        return await started.exec(command, stdin=stdin, tty=tty)

    async def dial(self, pod: Object, port: int) -> tuple[str, int]:
        """A simulated pod answers on its declared ports, with 503 and the reason."""
        address = pod.get("status", {}).get("podIP")
        if not address:
            raise _bad_request(f"pod {_name(pod)!r} has no address yet")
        return address, port

    def _started(self, pod: Object, container: str) -> Container:
        _, runner = self._runner(pod, container)
        if runner.container is None:
            state = runner.record.state
            why = "has ended" if isinstance(state, Terminated) else "has not started"
            raise _bad_request(f"container {container!r} of pod {_name(pod)!r} {why}")
        return runner.container

    def _runner(self, pod: Object, container: str) -> tuple[PodWorker, ContainerRunner]:
        worker = self._workers.get(pod["metadata"]["uid"])
        if worker is None:
            node = pod["spec"].get("nodeName")
            where = f"no kubelet runs it on node {node!r}" if node else "it is not scheduled yet"
            raise _bad_request(f"pod {_name(pod)!r} can't be reached: {where}")
        for runner in worker.runners:
            if runner.name == container:
                return worker, runner
        raise _bad_request(f"container {container} is not valid for pod {_name(pod)}")


def _name(pod: Object) -> str:
    return str(pod["metadata"]["name"])


def _bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)
