"""Who controls whom: owner references, and the adoption and release of dependants."""

from collections.abc import Callable

from simulator.controllers.label_selector import matches
from simulator.kubernetes.objects import Objects
from simulator.kubernetes.status import Object


def owner_reference(owner: Object) -> Object:
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def controller_of(obj: Object) -> Object | None:
    for owner in obj["metadata"].get("ownerReferences", ()):
        if owner.get("controller"):
            return dict(owner)
    return None


def is_controlled_by(obj: Object, owner: Object) -> bool:
    controller = controller_of(obj)
    return controller is not None and controller["uid"] == owner["metadata"]["uid"]


def is_terminating(obj: Object) -> bool:
    return "deletionTimestamp" in obj["metadata"]


def claim(
    objects: Objects,
    owner: Object,
    kind: str,
    *,
    adoptable: Callable[[Object], bool] = lambda _: True,
) -> list[Object]:
    """The dependants of ``owner`` of that kind, by its ``spec.selector``.

    Orphans that match are adopted, controlled ones that no longer match are released, as
    kube-controller-manager's ControllerRefManager does.
    """
    selector = owner["spec"].get("selector", {})
    claimed = []
    for obj in objects.list(kind, owner["metadata"]["namespace"]):
        matching = matches(selector, obj["metadata"].get("labels", {}))
        if is_controlled_by(obj, owner):
            if matching or is_terminating(obj) or is_terminating(owner):
                claimed.append(obj)
            else:
                objects.update(_released(obj, owner))
        elif matching and _is_orphan(obj) and adoptable(obj) and not is_terminating(owner):
            claimed.append(objects.update(_adopted(obj, owner)))
    return claimed


def _is_orphan(obj: Object) -> bool:
    return controller_of(obj) is None and not is_terminating(obj)


def _adopted(obj: Object, owner: Object) -> Object:
    owners = [*obj["metadata"].get("ownerReferences", ()), owner_reference(owner)]
    return {**obj, "metadata": {**obj["metadata"], "ownerReferences": owners}}


def _released(obj: Object, owner: Object) -> Object:
    owners = [
        reference
        for reference in obj["metadata"]["ownerReferences"]
        if reference["uid"] != owner["metadata"]["uid"]
    ]
    return {**obj, "metadata": {**obj["metadata"], "ownerReferences": owners}}
