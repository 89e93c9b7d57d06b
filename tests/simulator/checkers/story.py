"""Histories made by hand: an honest life of a workspace, to be told with one lie in it."""

from copy import deepcopy
from datetime import timedelta
from typing import Any

from engine.workspace import FINALIZER
from simulator.checkers.judge import Judge
from simulator.checkers.property import Violation
from simulator.checkers.reading import (
    OWNER_UID_LABEL,
    REVISION_ANNOTATION,
    claim_names,
    phase,
)
from simulator.history import Call, Commit, History, Milestone, Started, Struck, place_of
from simulator.kubernetes.objects import ChangeType
from simulator.virtual_time.clock import EPOCH

Object = dict[str, Any]
ENGINE, API, USER, CLUSTER = "engine-1", "api-1", "user", "cluster"
REVISION = "r1"
GPU = "nvidia.com/gpu"
PLAN = {
    "preset": "phi-4",
    "instanceType": "Standard_NC24ads_A100_v4",
    "nodeCount": 1,
    "gpusPerNode": 1,
    "diskGiB": 100,
    "why": "it fits",
}
PATH = ("Planning", "Provisioning", "Deploying", "Loading", "Ready")


def workspace(name: str = "w0", **metadata: Any) -> Object:
    return {
        "apiVersion": "kaito.sh/v1beta1",
        "kind": "Workspace",
        "metadata": {
            "namespace": "models",
            "name": name,
            "uid": f"uid-{name}",
            "generation": 1,
            **metadata,
        },
        "resource": {"instanceType": PLAN["instanceType"]},
        "inference": {"preset": {"name": PLAN["preset"]}},
    }


def conditions(*true: str) -> list[Object]:
    return [{"type": kind, "status": "True", "reason": kind} for kind in true]


class Story:
    """Told commit by commit, and judged as it is told; ``at`` moves by hand."""

    def __init__(self) -> None:
        self.history = History()
        self.judge = Judge(self.history)
        self.at = 0.0
        self._revision = 100

    def found(self) -> set[str]:
        """The properties that do not hold, when the history ends here."""
        return {one.property for one in self.violations()}

    def violations(self) -> tuple[Violation, ...]:
        self.history.add(Milestone(at=self.at, name="over"))
        return self.judge.finish()

    def later(self, seconds: float) -> "Story":
        self.at += seconds
        return self

    def instant(self) -> str:
        return _instant(self.at)

    def healed(self) -> None:
        self.history.add(Milestone(at=self.at, name="healed"))

    def struck(self, code: str, target: str = "") -> None:
        self.history.add(Struck(at=self.at, element=0, code=code, target=target))

    def process(self, what: str, name: str = ENGINE) -> None:
        self.history.add(Started(at=self.at, process=name, what=what))

    def put(self, actor: str, obj: Object) -> Object:
        """Stores the object, made or changed."""
        self._revision += 1
        before = self.history.objects.get(place_of(obj))
        now = deepcopy(obj)
        now["metadata"]["resourceVersion"] = str(self._revision)
        change = ChangeType.ADDED if before is None else ChangeType.MODIFIED
        self._commit(change, actor, now, before)
        return now

    def change(self, actor: str, obj: Object, **fields: Any) -> Object:
        """The stored object with other metadata and top-level fields."""
        stored = deepcopy(self.history.objects[place_of(obj)])
        metadata = {**stored["metadata"], **fields.pop("metadata", {})}
        return self.put(actor, {**stored, "metadata": metadata, **fields})

    def remove(self, actor: str, obj: Object) -> None:
        self._revision += 1
        stored = self.history.objects[place_of(obj)]
        self._commit(ChangeType.DELETED, actor, stored, stored)

    def _commit(self, change: ChangeType, actor: str, now: Object, before: Object | None) -> None:
        self.history.add(
            Commit(
                at=self.at,
                revision=self._revision,
                type=change,
                actor=actor,
                now=now,
                before=before,
            )
        )

    def call(self, verb: str, obj: Object, **more: Any) -> None:
        kind, namespace, name = place_of(obj)
        fields: dict[str, Any] = {
            "at": self.at,
            "until": self.at + 0.01,
            "actor": ENGINE,
            "subresource": "",
            "target": f"/{kind}/{name}",
            "body": None,
            "status": 200,
            "reason": "",
            "carried_out": 200,
            "revision": self._revision,
            "kind": kind,
            "namespace": namespace,
            "name": name,
        }
        self.history.add(Call(verb=verb, **{**fields, **more}))

    # An honest life.

    def status(self, obj: Object, actor: str = ENGINE, **fields: Any) -> Object:
        stored = self.history.objects[place_of(obj)]
        return self.change(actor, obj, status={**(stored.get("status") or {}), **fields})

    def moves(self, obj: Object, to: str, **fields: Any) -> Object:
        """The machine goes on to a phase, and tells of it as it should."""
        stored = self.history.objects[place_of(obj)]
        told = stored.get("status") or {}
        passage = {"from": phase(stored), "to": to, "at": _instant(self.at), "reason": to}
        resting = to in ("Ready", "Failed")
        made = {
            "phase": to,
            "phaseSince": _instant(self.at),
            "deadline": None if resting else _instant(self.at + 1200),
            "waitingFor": None if resting else "something",
            "reason": to,
            "message": f"now {to}",
            "remedy": "none",
            "history": [*told.get("history", []), passage][-32:],
            "conditions": [_ready(stored, so=to == "Ready")],
        }
        return self.status(obj, **{**made, **fields})

    def created(self, name: str = "w0") -> Object:
        made = self.put(API, workspace(name))
        return self.change(ENGINE, made, metadata={"finalizers": [FINALIZER]})

    def provisioning(self, name: str = "w0") -> Object:
        made = self.created(name)
        self.later(1).moves(made, "Planning", attempt=1, observedGeneration=0)
        return self.moves(made, "Provisioning", plan=PLAN, revision=REVISION, observedGeneration=1)

    def ready(self, name: str = "w0") -> Object:
        """A workspace that serves, and all that it has."""
        made = self.provisioning(name)
        claim = self.put(ENGINE, claim_of(made))
        self.put(ENGINE, service_of(made))
        self.later(60).put(CLUSTER, node_of(claim, made))
        self.change(CLUSTER, claim, status=claim_status(node_of(claim, made)))
        self.moves(made, "Deploying")
        workload = self.put(ENGINE, workload_of(made))
        self.later(60).put(CLUSTER, pod_of(workload, node_of(claim, made)))
        self.moves(made, "Loading")
        nodes = [node_of(claim, made)["metadata"]["name"]]
        return self.later(1).moves(made, "Ready", workerNodes=nodes)

    def owned(self, kind: str, name: str = "w0") -> Object:
        """The one present object of a kind that was made for the workspace."""
        mine = [
            obj
            for obj in self.history.of_kind(kind)
            if (obj["metadata"].get("labels") or {}).get("kaito.sh/workspace") == name
        ]
        assert len(mine) == 1, mine
        return mine[0]

    def goes(self, made: Object) -> None:
        """Deleted, as it should be: everything else first."""
        self.change(USER, made, metadata={"deletionTimestamp": _instant(self.at)})
        self.moves(made, "Deleting")
        for kind in ("Service", "StatefulSet"):
            self.remove(ENGINE, self.owned(kind, made["metadata"]["name"]))
        self.later(5).remove(CLUSTER, self.owned("Pod", made["metadata"]["name"]))
        claim = self.owned("NodeClaim", made["metadata"]["name"])
        self.change(ENGINE, claim, metadata={"deletionTimestamp": _instant(self.at)})
        self.later(5).remove(CLUSTER, self.owned("Node", made["metadata"]["name"]))
        self.remove(CLUSTER, claim)
        self.later(1).remove(ENGINE, made)


def _instant(seconds: float) -> str:
    return (EPOCH + timedelta(seconds=seconds)).isoformat()


def _ready(stored: Object, *, so: bool) -> Object:
    return {
        "type": "WorkspaceReady",
        "status": "True" if so else "False",
        "reason": "because",
        "observedGeneration": stored["metadata"]["generation"],
    }


def _labels(made: Object) -> dict[str, str]:
    metadata = made["metadata"]
    return {
        "kaito.sh/workspace": metadata["name"],
        "kaito.sh/workspacenamespace": metadata["namespace"],
        OWNER_UID_LABEL: metadata["uid"],
    }


def _owner(made: Object) -> Object:
    metadata = made["metadata"]
    return {
        "kind": made["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
    }


def claim_of(made: Object, *, attempt: int = 1, name: str = "") -> Object:
    asking = {**made, "status": {**(made.get("status") or {}), "attempt": attempt}}
    name = name or claim_names(asking)[0]
    return {
        "kind": "NodeClaim",
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "labels": _labels(made),
        },
    }


def claim_status(node: Object) -> Object:
    return {"nodeName": node["metadata"]["name"], "conditions": conditions("Launched", "Ready")}


def node_of(claim: Object, made: Object, *, gpus: int = 1) -> Object:
    name = f"node-{claim['metadata']['name']}"
    return {
        "kind": "Node",
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "labels": _labels(made),
            "ownerReferences": [{**_owner(claim), "controller": False}],
        },
        "status": {"allocatable": {GPU: str(gpus)}, "conditions": conditions("Ready")},
    }


def service_of(made: Object) -> Object:
    metadata = made["metadata"]
    return {
        "kind": "Service",
        "metadata": {
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": f"uid-service-{metadata['name']}",
            "labels": _labels(made),
            "ownerReferences": [_owner(made)],
        },
        "spec": {},
    }


def workload_of(made: Object, *, revision: str = REVISION, replicas: int = 1) -> Object:
    service = service_of(made)
    uid = f"uid-workload-{made['metadata']['name']}"
    annotations = {REVISION_ANNOTATION: revision}
    metadata = {**service["metadata"], "uid": uid, "annotations": annotations}
    return {"kind": "StatefulSet", "metadata": metadata, "spec": {"replicas": replicas}}


def pod_of(workload: Object, node: Object, *, ready: bool = True) -> Object:
    metadata = workload["metadata"]
    return {
        "kind": "Pod",
        "metadata": {
            "namespace": metadata["namespace"],
            "name": f"{metadata['name']}-0",
            "uid": f"uid-pod-{metadata['name']}",
            "labels": metadata["labels"],
            "annotations": metadata["annotations"],
            "ownerReferences": [_owner(workload)],
        },
        "spec": {"nodeName": node["metadata"]["name"]},
        "status": {"conditions": conditions("Ready") if ready else []},
    }
