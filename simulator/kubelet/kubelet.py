"""The agents of the cluster's nodes: each runs the pods bound to its node, and reports on both.

``Kubelets`` follows the Node objects and keeps one kubelet for each. A kubelet keeps one worker for
each of its pods; a worker that fails is replaced by one that carries on from the pod's status.
"""

import asyncio
import logging
from collections.abc import Callable

from simulator.kubelet.node_status import heartbeat, ready_status
from simulator.kubelet.pod_worker import Node, PodWorker
from simulator.kubelet.restart_backoff import RestartBackoff
from simulator.kubernetes.objects import Change, ChangeType, Objects
from simulator.kubernetes.status import ApiError, Object

log = logging.getLogger(__name__)

MakeNode = Callable[[Object], Node]
Workers = dict[str, PodWorker]
"""Every pod's worker, by the pod's uid: shared with those who want a pod's streams."""


class Kubelet:
    def __init__(self, node: Node, workers: Workers) -> None:
        self.node = node
        self._workers = workers
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Until cancelled; the processes of its pods end with it."""
        try:
            while True:
                self._report()
                await asyncio.sleep(self.node.timings.lease_renewal)
        finally:
            await self._stop()

    def pod_changed(self, change: Change) -> None:
        """A pod of this node was added, changed or removed."""
        pod = change.object
        uid = pod["metadata"]["uid"]
        if change.type is ChangeType.DELETED:
            self._pod_gone(uid)
            return
        if uid not in self._tasks:
            task = asyncio.create_task(self._keep_working(pod), name=f"pod {uid}")
            self._tasks[uid] = task
            task.add_done_callback(lambda _: self._tasks.pop(uid, None))
        worker = self._workers.get(uid)
        if worker is not None and pod["metadata"].get("deletionTimestamp"):
            worker.deletion_requested()

    def _pod_gone(self, uid: str) -> None:
        if (worker := self._workers.get(uid)) is not None:
            worker.pod_gone()
        elif uid not in self._tasks:
            self.node.runtime.remove_pod(uid)

    async def _keep_working(self, pod: Object) -> None:
        """One worker after another, until one has seen the pod go."""
        metadata = pod["metadata"]
        backoff = RestartBackoff(failures=1)
        while (current := self._current(metadata)) is not None:
            try:
                await self._work_on(current)
            except Exception:
                log.exception("pod %s/%s", metadata["namespace"], metadata["name"])
                backoff = backoff.after_run_of(0, self.node.timings)
                await asyncio.sleep(backoff.delay(self.node.timings))
        self.node.runtime.remove_pod(metadata["uid"])

    async def _work_on(self, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        worker = PodWorker(self.node, pod)
        self._workers[uid] = worker
        if pod["metadata"].get("deletionTimestamp"):
            worker.deletion_requested()
        try:
            await worker.run()
        finally:
            del self._workers[uid]

    def _current(self, metadata: Object) -> Object | None:
        pod = self.node.objects.find("Pod", metadata["name"], metadata["namespace"])
        return pod if pod is not None and pod["metadata"]["uid"] == metadata["uid"] else None

    def _report(self) -> None:
        """The node's lease, and its status where that has changed."""
        objects, now = self.node.objects, self.node.clock.now()
        node = objects.find("Node", self.node.name)
        if node is None:
            return
        try:
            heartbeat(objects, node, now, self.node.timings)
            status = ready_status(node, self.node, now)
            if status != node.get("status"):
                objects.update_status({**node, "status": status})
        except ApiError as error:
            log.warning("node %s could not report: %s", self.node.name, error)

    async def _stop(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class Kubelets:
    """``forget_pod`` is told the uid of a pod that went after its node did."""

    def __init__(
        self,
        objects: Objects,
        *,
        make_node: MakeNode,
        forget_pod: Callable[[str], None],
        workers: Workers,
    ) -> None:
        self._objects = objects
        self._make_node = make_node
        self._forget_pod = forget_pod
        self._workers = workers
        self._kubelets: dict[str, Kubelet] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until cancelled."""
        unsubscribe = self._objects.subscribe(self._on_change)
        try:
            for kind in ("Node", "Pod"):
                for obj in self._objects.list(kind):
                    self._on_change(Change(ChangeType.ADDED, obj))
            await asyncio.Event().wait()
        finally:
            unsubscribe()
            await self._stop()

    def _on_change(self, change: Change) -> None:
        match change.object["kind"]:
            case "Node":
                self._node_changed(change)
            case "Pod":
                name = change.object["spec"].get("nodeName", "")
                if (kubelet := self._kubelets.get(name)) is not None:
                    kubelet.pod_changed(change)
                elif change.type is ChangeType.DELETED:
                    self._forget_pod(change.object["metadata"]["uid"])

    def _node_changed(self, change: Change) -> None:
        name = change.object["metadata"]["name"]
        if change.type is ChangeType.DELETED:
            self._kubelets.pop(name, None)
            if (task := self._tasks.pop(name, None)) is not None:
                task.cancel()
                self._stopping.add(task)
                task.add_done_callback(self._stopping.discard)
        elif name not in self._kubelets:
            self._start(name, Kubelet(self._make_node(change.object), self._workers))

    def _start(self, name: str, kubelet: Kubelet) -> None:
        self._kubelets[name] = kubelet
        self._tasks[name] = asyncio.create_task(kubelet.run(), name=f"kubelet {name}")
        for pod in self._objects.list("Pod"):
            if pod["spec"].get("nodeName") == name:
                kubelet.pod_changed(Change(ChangeType.ADDED, pod))

    async def _stop(self) -> None:
        tasks = [*self._tasks.values(), *self._stopping]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
