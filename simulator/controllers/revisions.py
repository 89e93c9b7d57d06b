"""ControllerRevisions: the history of a StatefulSet's pod template."""

from dataclasses import dataclass

from simulator.controllers.ownership import claim, owner_reference
from simulator.controllers.stateful_set_pods import REVISION_LABEL, revision_of
from simulator.controllers.template_hash import template_hash
from simulator.kubernetes.objects import Objects
from simulator.kubernetes.status import Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Revisions:
    """The revision that pods had before the present roll-out, and the one they are to get."""

    current: Object
    update: Object

    @property
    def current_name(self) -> str:
        return str(self.current["metadata"]["name"])

    @property
    def update_name(self) -> str:
        return str(self.update["metadata"]["name"])


def template_in(revision: Object) -> Object:
    """The pod template kept in a revision."""
    template = dict(revision["data"]["spec"]["template"])
    template.pop("$patch", None)
    return template


def ensure_revisions(objects: Objects, stateful_set: Object) -> Revisions:
    """Finds or records the revision of the set's template; an old one that returns is renewed."""
    history = sorted(
        claim(objects, stateful_set, "ControllerRevision"),
        key=lambda item: (item["revision"], item["metadata"]["name"]),
    )
    update = _ensure_update(objects, stateful_set, history)
    current_name = stateful_set.get("status", {}).get("currentRevision")
    current = next((r for r in history if r["metadata"]["name"] == current_name), update)
    return Revisions(current=current, update=update)


def prune_history(
    objects: Objects, stateful_set: Object, revisions: Revisions, pods: list[Object]
) -> None:
    """Deletes the oldest revisions beyond ``revisionHistoryLimit`` that nobody uses."""
    used = {revisions.current_name, revisions.update_name, *map(revision_of, pods)}
    unused = sorted(
        (
            item
            for item in claim(objects, stateful_set, "ControllerRevision")
            if item["metadata"]["name"] not in used
        ),
        key=lambda item: item["revision"],
    )
    surplus = len(unused) - stateful_set["spec"].get("revisionHistoryLimit", 10)
    for item in unused[: max(0, surplus)]:
        metadata = item["metadata"]
        objects.delete("ControllerRevision", metadata["name"], metadata["namespace"])


def _ensure_update(objects: Objects, stateful_set: Object, history: list[Object]) -> Object:
    template = stateful_set["spec"]["template"]
    latest = history[-1]["revision"] if history else 0
    same = [item for item in history if template_in(item) == template]
    if not same:
        return objects.create(_build_revision(stateful_set, latest + 1))
    if same[-1]["revision"] == latest:
        return same[-1]
    return objects.update({**same[-1], "revision": latest + 1})


def _build_revision(stateful_set: Object, number: int) -> Object:
    template = stateful_set["spec"]["template"]
    metadata = stateful_set["metadata"]
    collisions = stateful_set.get("status", {}).get("collisionCount", 0)
    name = f"{metadata['name']}-{template_hash(template, collisions)}"
    labels = {**template.get("metadata", {}).get("labels", {}), REVISION_LABEL: name}
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": name,
            "namespace": metadata["namespace"],
            "labels": labels,
            "ownerReferences": [owner_reference(stateful_set)],
        },
        "data": {"spec": {"template": {**template, "$patch": "replace"}}},
        "revision": number,
    }
