"""Static NodePools, as Karpenter keeps them: so many NodeClaims of one template.

A claim that no longer is as the template says has drifted: it is exchanged, one at a time.
"""

from collections.abc import Iterable

from simulator.controllers.conditions import is_true, save_status
from simulator.controllers.controller import Key, key_of, owner_keys
from simulator.controllers.ownership import is_controlled_by, is_terminating, owner_reference
from simulator.kubernetes.objects import Change, Objects
from simulator.kubernetes.status import Object

NODE_POOL_LABEL = "karpenter.sh/nodepool"


class NodePoolController:
    name = "nodepool-controller"
    watches = ("NodePool", "NodeClaim")

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def affected(self, change: Change) -> Iterable[Key]:
        if change.object["kind"] == "NodePool":
            return [key_of(change.object)]
        return owner_keys(change.object, "NodePool")

    def reconcile(self, key: Key) -> float | None:
        pool = self._objects.find("NodePool", key.name)
        if pool is None or is_terminating(pool):
            return None
        owned = [it for it in self._objects.list("NodeClaim") if is_controlled_by(it, pool)]
        claims = [claim for claim in owned if not is_terminating(claim)]
        missing = pool["spec"].get("replicas", 0) - len(claims)
        for _ in range(missing):
            self._objects.create(claim_of(pool))
        spare = sorted(claims, key=lambda claim: _worth(pool, claim))
        leaving = spare[: max(0, -missing)] or _drifted(pool, owned)
        for claim in leaving:
            metadata = claim["metadata"]
            self._objects.delete("NodeClaim", metadata["name"], uid=metadata["uid"])
        nodes = sum(is_true(claim, "Registered") for claim in claims)
        save_status(self._objects, pool, {**pool.get("status", {}), "nodes": nodes})
        return None


def claim_of(pool: Object) -> Object:
    """A new claim, as the pool's template has it."""
    name, template = pool["metadata"]["name"], pool["spec"]["template"]
    metadata = template.get("metadata", {})
    spec = template["spec"]
    labels = {**metadata.get("labels", {}), NODE_POOL_LABEL: name}
    return {
        "apiVersion": "karpenter.sh/v1",
        "kind": "NodeClaim",
        "metadata": {
            "generateName": f"{name}-",
            "labels": labels,
            "annotations": dict(metadata.get("annotations", {})),
            "ownerReferences": [owner_reference(pool)],
        },
        "spec": {**spec, "requirements": [*spec["requirements"], _in_pool(name)]},
    }


def _in_pool(name: str) -> Object:
    return {"key": NODE_POOL_LABEL, "operator": "In", "values": [name]}


def _worth(pool: Object, claim: Object) -> tuple[bool, bool]:
    """The least first: what drifted, then what is not ready."""
    return _is_as_wanted(pool, claim), is_true(claim, "Ready")


def _drifted(pool: Object, owned: list[Object]) -> list[Object]:
    """The one to exchange now: none while another is under way."""
    if not all(is_true(it, "Ready") and not is_terminating(it) for it in owned):
        return []
    return [claim for claim in owned if not _is_as_wanted(pool, claim)][:1]


def _is_as_wanted(pool: Object, claim: Object) -> bool:
    wanted = claim_of(pool)
    fields = ("requirements", "taints", "nodeClassRef")
    same = all(claim["spec"].get(it, []) == wanted["spec"].get(it, []) for it in fields)
    return same and wanted["metadata"]["labels"].items() <= claim["metadata"]["labels"].items()
