"""Faults that change the cluster itself: nodes, pods, models, and what strangers do to objects."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress

from engine.instance_types import find_instance_type
from simulator.azure.nodes import pool_of
from simulator.controllers.node_claim_nodes import build_node, requested_instance_type
from simulator.faults.planned_fate import Told
from simulator.faults.vocabulary import (
    BringYourOwn,
    Conflicting,
    ForeignDelete,
    ForeignRelabel,
    ForeignScale,
    GpusLost,
    ModelSilent,
    NamespaceTerminates,
    NodeNameReused,
    NodeSilent,
    OutOfMemory,
    SpotEviction,
    ZombieKubelet,
)
from simulator.history import NAMESPACE_LABEL, WORKSPACE_LABEL, workspace_of
from simulator.kubelet.fated_runtime import KILLED_CODE
from simulator.kubelet.silence import MachinePower
from simulator.kubernetes.status import ApiError, Object
from simulator.node_resources import GPU
from simulator.virtual_cluster import NEVER, VirtualCluster
from simulator.wire.sent import Sent, workspace_name

ClusterFault = (
    BringYourOwn
    | ForeignDelete
    | ForeignRelabel
    | ForeignScale
    | GpusLost
    | ModelSilent
    | NamespaceTerminates
    | NodeNameReused
    | NodeSilent
    | OutOfMemory
    | SpotEviction
    | ZombieKubelet
)
STRANGER = "stranger"
REBOOT_SECONDS = 20.0
GHOST_SECONDS = 60.0


class ClusterFaults:
    """Each fault picks the first object it fits, by name; without one it does not strike."""

    def __init__(self, cluster: VirtualCluster, *, namespace: str, told: Told) -> None:
        self._cluster = cluster
        self._objects = cluster.api_server
        self._power = MachinePower(
            cluster.api_server, cluster.clock, cluster.kubelets, usual_lease=NEVER
        )
        self._namespace = namespace
        self._told = told
        self._loop = asyncio.get_running_loop()
        self._context = cluster.process.context()
        self._healing: dict[int, Callable[[], None]] = {}
        self._writes = 0

    def strike(self, element: int, fault: ClusterFault) -> None:
        effects: dict[type, Callable[[int, Object], None]] = {
            SpotEviction: self._evict,
            NodeNameReused: self._reuse_name,
            ZombieKubelet: self._rise_again,
            NodeSilent: self._silence,
            GpusLost: self._lose_gpus,
        }
        match fault:
            case OutOfMemory() | ModelSilent():
                self._strike_model(element, fault)
            case ForeignDelete() | ForeignRelabel() | ForeignScale():
                self._strike_object(element, fault)
            case BringYourOwn():
                self._bring_own(element, fault)
            case NamespaceTerminates():
                self._end_namespace(element, fault)
            case _:
                node = next(self._of("Node", fault.workspace), None)
                if node is not None:
                    self._told(element, fault.code, node["metadata"]["name"])
                    effects[type(fault)](element, node)
                    seconds = getattr(fault, "seconds", None)
                    if seconds is not None:
                        self._later(seconds, self._heal_one, element)

    def heal(self) -> None:
        """Ends at once what was to end by itself later."""
        for element in list(self._healing):
            self._heal_one(element)

    def _heal_one(self, element: int) -> None:
        end = self._healing.pop(element, None)
        if end is not None:
            end()

    def _later(self, seconds: float, callback: Callable[..., None], *args: object) -> None:
        self._loop.call_later(seconds, callback, *args, context=self._context)

    def _of(self, kind: str, workspace: int) -> Iterator[Object]:
        owner = (self._namespace, workspace_name(workspace))
        return (
            obj
            for obj in self._objects.list(kind)
            if workspace_of(obj) == owner and "deletionTimestamp" not in obj["metadata"]
        )

    # Nodes.

    def _evict(self, _: int, node: Object) -> None:
        """The machine goes, its node with it, and Karpenter notices and drops the claim."""
        if self._cluster.azure is not None:
            self._cluster.azure.mishaps.evict_spot(pool_of(node))
            return
        self._remove("Node", node)
        for owner in node["metadata"].get("ownerReferences", ()):
            with suppress(ApiError):
                self._objects.delete("NodeClaim", owner["name"], uid=owner["uid"])

    def _remove(self, kind: str, obj: Object) -> None:
        metadata = obj["metadata"]
        with suppress(ApiError):
            self._objects.delete(
                kind, metadata["name"], metadata.get("namespace", ""), uid=metadata["uid"]
            )

    def _reuse_name(self, _: int, node: Object) -> None:
        if self._cluster.azure is not None:
            self._cluster.azure.mishaps.repair(pool_of(node))
            return
        self._remove("Node", node)
        for owner in node["metadata"].get("ownerReferences", ()):
            self._later(REBOOT_SECONDS, self._register_anew, owner["name"])

    def _register_anew(self, claim_name: str) -> None:
        claim = self._objects.find("NodeClaim", claim_name)
        instance_type = claim and find_instance_type(requested_instance_type(claim))
        if claim is None or not instance_type or "deletionTimestamp" in claim["metadata"]:
            return
        with suppress(ApiError):  # it registered by itself
            self._objects.create(build_node(claim, instance_type))

    def _rise_again(self, _: int, node: Object) -> None:
        """Its claim is deleted; once its Node is gone, the dying kubelet registers it again."""
        claim = self._objects.find("NodeClaim", _claim_name(node))
        if claim is not None:
            self._remove("NodeClaim", claim)
        self._later(1.0, self._haunt, node)

    def _haunt(self, node: Object) -> None:
        name = node["metadata"]["name"]
        if self._objects.find("Node", name) is not None:
            self._later(1.0, self._haunt, node)
            return
        metadata = {"name": name, "labels": node["metadata"].get("labels", {})}
        ghost = {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": node["spec"]}
        made = self._objects.create(ghost)
        self._later(GHOST_SECONDS, self._remove, "Node", made)

    def _silence(self, element: int, node: Object) -> None:
        name = node["metadata"]["name"]
        self._power.off(name)
        self._healing[element] = lambda: self._power.on(name)

    def _lose_gpus(self, element: int, node: Object) -> None:
        name = node["metadata"]["name"]
        allocatable = node.get("status", {}).get("allocatable", {})
        if GPU not in allocatable:
            return
        count = allocatable[GPU]
        self._set_allocatable(name, "0")
        self._healing[element] = lambda: self._set_allocatable(name, count)

    def _set_allocatable(self, name: str, count: str) -> None:
        node = self._objects.find("Node", name)
        if node is not None:
            status = node.get("status", {})
            allocatable = {**status.get("allocatable", {}), GPU: count}
            self._objects.update_status({**node, "status": {**status, "allocatable": allocatable}})

    # Pods.

    def _strike_model(self, element: int, fault: OutOfMemory | ModelSilent) -> None:
        models = self._cluster.models
        for pod in self._of("Pod", fault.workspace):
            uid = pod["metadata"]["uid"]
            if models.speaks(uid):
                self._told(element, fault.code, pod["metadata"]["name"])
                if isinstance(fault, OutOfMemory):
                    models.running[uid].end(KILLED_CODE)
                else:
                    models.fall_silent(uid)
                return

    # Strangers.

    def conflict(self, request: Sent, fault: Conflicting) -> None:
        """Someone changes the object of a request that is about to arrive."""
        present = self._objects.find(request.kind, request.name, request.namespace)
        if present is None:
            return
        self._writes += 1
        metadata = present["metadata"]
        mark = f"stranger.example.com/{self._writes}"
        with self._cluster.author.writes_as(STRANGER), suppress(ApiError):
            fields: Object
            match fault.writes:
                case "annotation":
                    fields = {"annotations": {**metadata.get("annotations", {}), mark: "here"}}
                case "label":
                    fields = {"labels": {**metadata.get("labels", {}), mark: "here"}}
                case "finalizer":
                    fields = {"finalizers": [*metadata.get("finalizers", ()), mark]}
                    self._later(30.0, self._drop_finalizer, present, mark)
                case "condition":
                    self._add_condition(present)
                    return
            self._objects.update({**present, "metadata": {**metadata, **fields}})

    def _drop_finalizer(self, obj: Object, mark: str) -> None:
        metadata = obj["metadata"]
        present = self._objects.find(obj["kind"], metadata["name"], metadata.get("namespace", ""))
        if present is None or mark not in present["metadata"].get("finalizers", ()):
            return
        kept = [one for one in present["metadata"]["finalizers"] if one != mark]
        with self._cluster.author.writes_as(STRANGER):
            changed = {**present["metadata"], "finalizers": kept}
            self._objects.update({**present, "metadata": changed})

    def _add_condition(self, obj: Object) -> None:
        """A condition of someone else's, beside ours."""
        status = obj.get("status", {})
        theirs = {
            "type": f"Stranger{self._writes}",
            "status": "True",
            "reason": "Here",
            "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        conditions = [*status.get("conditions", ()), theirs]
        self._objects.update_status({**obj, "status": {**status, "conditions": conditions}})

    def _strike_object(
        self, element: int, fault: ForeignDelete | ForeignRelabel | ForeignScale
    ) -> None:
        kind = "StatefulSet" if isinstance(fault, ForeignScale) else fault.kind
        obj = next(self._of(kind, fault.workspace), None)
        if obj is None:
            return
        self._told(element, fault.code, f"{kind} {obj['metadata']['name']}")
        with self._cluster.author.writes_as(STRANGER):
            match fault:
                case ForeignDelete():
                    self._remove(kind, obj)
                case ForeignScale():
                    spec = {**obj["spec"], "replicas": fault.replicas}
                    self._objects.update({**obj, "spec": spec})
                case ForeignRelabel():
                    labels = dict(obj["metadata"]["labels"])
                    self._relabel(obj, {key: labels[key] for key in labels if key not in OURS})
                    self._healing[element] = lambda: self._relabel(obj, labels)
                    self._later(fault.seconds, self._heal_one, element)

    def _relabel(self, obj: Object, labels: dict[str, str]) -> None:
        metadata = obj["metadata"]
        present = self._objects.find(obj["kind"], metadata["name"], metadata.get("namespace", ""))
        if present is not None and present["metadata"]["uid"] == metadata["uid"]:
            with self._cluster.author.writes_as(STRANGER):
                changed = {**present["metadata"], "labels": labels}
                self._objects.update({**present, "metadata": changed})

    def _bring_own(self, element: int, fault: BringYourOwn) -> None:
        """A node and a Service of someone's own, whose names begin like the workspace's."""
        name = workspace_name(fault.workspace)
        self._told(element, fault.code, f"{name}-own")
        labels = {WORKSPACE_LABEL + "-own": name, "apps": name}
        own = f"{name}-own-{element}"
        with self._cluster.author.writes_as(STRANGER), suppress(ApiError):
            self._objects.create(
                {"apiVersion": "v1", "kind": "Node", "metadata": {"name": own, "labels": labels}}
            )
            spec = {"selector": {"app": own}, "ports": [{"port": 80}]}
            metadata = {"name": own, "namespace": self._namespace, "labels": labels}
            self._objects.create(
                {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
            )

    def _end_namespace(self, element: int, fault: NamespaceTerminates) -> None:
        self._told(element, fault.code, self._namespace)
        with self._cluster.author.writes_as(STRANGER), suppress(ApiError):
            self._objects.delete("Namespace", self._namespace)
        self._later(GHOST_SECONDS, self._found_namespace)

    def _found_namespace(self) -> None:
        if self._objects.find("Namespace", self._namespace) is not None:
            self._later(GHOST_SECONDS, self._found_namespace)
            return
        found_namespace(self._cluster, self._namespace)


OURS = frozenset({WORKSPACE_LABEL, NAMESPACE_LABEL})


def found_namespace(cluster: VirtualCluster, name: str) -> None:
    with cluster.author.writes_as(STRANGER):
        cluster.api_server.create(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        )


def _claim_name(node: Object) -> str:
    owners = node["metadata"].get("ownerReferences", ())
    return next((str(owner["name"]) for owner in owners), pool_of(node))
