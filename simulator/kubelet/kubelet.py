"""The agents of the cluster's nodes: each runs the pods bound to its node, and reports on both.

``Kubelets`` follows the Node objects and keeps one kubelet for each. A kubelet keeps one worker for
each of its pods; a worker that fails is replaced by one that carries on from the pod's status.
"""

import asyncio
import logging
import math
from collections.abc import Callable

from simulator.kubelet.node_status import heartbeat, present_status, seconds_to_readiness
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
        self._tasks: asyncio.TaskGroup | None = None
        self._working: set[str] = set()

    async def run(self) -> None:
        """Until cancelled; the processes of its pods end with it. May be run again."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                for pod in self.node.objects.list("Pod"):
                    if pod["spec"].get("nodeName") == self.node.name:
                        self.pod_changed(Change(ChangeType.ADDED, pod))
                while True:
                    pause = self._report()
                    await asyncio.sleep(pause)
        finally:
            self._tasks = None
            self._working.clear()

    def pod_changed(self, change: Change) -> None:
        """A pod of this node was added, changed or removed."""
        if self._tasks is None:
            return  # ``run`` begins with all pods there are
        pod = change.object
        uid = pod["metadata"]["uid"]
        worker = self._workers.get(uid)
        if change.type is ChangeType.DELETED:
            if worker is not None:
                worker.pod_gone()
        elif uid not in self._working:
            self._working.add(uid)
            self._tasks.create_task(self._keep_working(pod), name=f"pod {uid}")
        elif worker is not None and pod["metadata"].get("deletionTimestamp"):
            worker.deletion_requested()

    async def _keep_working(self, pod: Object) -> None:
        """One worker after another, until one has seen the pod go."""
        metadata = pod["metadata"]
        backoff = RestartBackoff(failures=1)
        while (current := self.node.present(pod)) is not None:
            try:
                await self._work_on(current)
            except Exception as error:  # one pod must not take the node's others with it
                log.exception("pod %s/%s", metadata["namespace"], metadata["name"])
                self.node.events.warning(current, "FailedSync", f"error syncing pod: {error}")
                backoff = backoff.after_run_of(0, self.node.timings)
                await asyncio.sleep(backoff.delay(self.node.timings))
        self.node.runtime.remove_pod(metadata["uid"])
        self._working.discard(metadata["uid"])

    async def _work_on(self, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        worker = self._workers[uid] = PodWorker(self.node, pod)
        if pod["metadata"].get("deletionTimestamp"):
            worker.deletion_requested()
        try:
            await worker.run()
        finally:
            del self._workers[uid]

    def _report(self) -> float:
        """The node's lease, and its status where that has changed; seconds until the next."""
        objects, now, timings = self.node.objects, self.node.clock.now(), self.node.timings
        node = objects.find("Node", self.node.name)
        if node is None:
            return timings.lease_renewal
        try:
            heartbeat(objects, node, now, timings)
            status = present_status(node, self.node, now)
            if status != node.get("status"):
                objects.update_status({**node, "status": status})
        except ApiError as error:
            log.warning("node %s could not report: %s", self.node.name, error)
        return min(timings.lease_renewal, seconds_to_readiness(node, now, timings) or math.inf)


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
        self._running: dict[str, asyncio.Task[None]] = {}
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            unsubscribe = self._objects.subscribe(lambda change: self._on_change(change, tasks))
            try:
                for node in self._objects.list("Node"):
                    self._start(node, tasks)
                await asyncio.Event().wait()
            finally:
                unsubscribe()

    def silence(self, name: str) -> None:
        """The node's kubelet stops working and reporting; it is not started again by itself."""
        if name in self._running:
            self._running.pop(name).cancel()

    def revive(self, name: str) -> None:
        """A silenced kubelet works again, with the pods that its node has now."""
        kubelet = self._kubelets.get(name)
        if kubelet is not None and name not in self._running and self._tasks is not None:
            self._running[name] = self._tasks.create_task(kubelet.run(), name=f"kubelet {name}")

    def _on_change(self, change: Change, tasks: asyncio.TaskGroup) -> None:
        match change.object["kind"]:
            case "Node":
                self._node_changed(change, tasks)
            case "Pod":
                name = change.object["spec"].get("nodeName", "")
                if (kubelet := self._kubelets.get(name)) is not None:
                    kubelet.pod_changed(change)
                elif change.type is ChangeType.DELETED:
                    self._forget_pod(change.object["metadata"]["uid"])

    def _node_changed(self, change: Change, tasks: asyncio.TaskGroup) -> None:
        name = change.object["metadata"]["name"]
        if change.type is not ChangeType.DELETED:
            self._start(change.object, tasks)
        elif name in self._kubelets:
            del self._kubelets[name]
            self.silence(name)

    def _start(self, node: Object, tasks: asyncio.TaskGroup) -> None:
        name = node["metadata"]["name"]
        if name not in self._kubelets:
            kubelet = self._kubelets[name] = Kubelet(self._make_node(node), self._workers)
            self._running[name] = tasks.create_task(kubelet.run(), name=f"kubelet {name}")
