"""The pods and claims of a StatefulSet: their names, ordinals and identities."""

import re

from simulator.controllers.ownership import owner_reference
from simulator.controllers.pods import pod_from_template
from simulator.kubernetes.status import Object

REVISION_LABEL = "controller-revision-hash"
POD_NAME_LABEL = "statefulset.kubernetes.io/pod-name"
POD_INDEX_LABEL = "apps.kubernetes.io/pod-index"


def ordinal_of(stateful_set: Object, pod_name: str) -> int | None:
    """None where the name is not one of this set's."""
    found = re.fullmatch(rf"{re.escape(stateful_set['metadata']['name'])}-(\d+)", pod_name)
    return int(found[1]) if found else None


def ordinals(stateful_set: Object) -> range:
    start = stateful_set["spec"].get("ordinals", {}).get("start", 0)
    return range(start, start + stateful_set["spec"].get("replicas", 1))


def revision_of(pod: Object) -> str:
    return str(pod["metadata"].get("labels", {}).get(REVISION_LABEL, ""))


def claim_name(claim_template: Object, stateful_set: Object, ordinal: int) -> str:
    return f"{claim_template['metadata']['name']}-{stateful_set['metadata']['name']}-{ordinal}"


def build_pod(stateful_set: Object, template: Object, ordinal: int, revision: str) -> Object:
    name = f"{stateful_set['metadata']['name']}-{ordinal}"
    labels = {REVISION_LABEL: revision, POD_NAME_LABEL: name, POD_INDEX_LABEL: str(ordinal)}
    pod = pod_from_template(template, stateful_set, {"name": name, "labels": labels})
    spec = {**pod["spec"], "hostname": name}
    if service := stateful_set["spec"].get("serviceName"):
        spec["subdomain"] = service
    if volumes := _volumes(stateful_set, spec, ordinal):
        spec["volumes"] = volumes
    return {**pod, "spec": spec}


def build_claims(stateful_set: Object, ordinal: int) -> list[Object]:
    """The volume claims of one pod, from ``volumeClaimTemplates``."""
    policy = stateful_set["spec"].get("persistentVolumeClaimRetentionPolicy", {})
    owners = [owner_reference(stateful_set)] if policy.get("whenDeleted") == "Delete" else []
    return [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {
                **template["metadata"],
                "name": claim_name(template, stateful_set, ordinal),
                "namespace": stateful_set["metadata"]["namespace"],
                "labels": {
                    **template["metadata"].get("labels", {}),
                    **stateful_set["spec"]["selector"].get("matchLabels", {}),
                },
                **({"ownerReferences": owners} if owners else {}),
            },
            "spec": template["spec"],
        }
        for template in claim_templates(stateful_set)
    ]


def claim_templates(stateful_set: Object) -> list[Object]:
    return list(stateful_set["spec"].get("volumeClaimTemplates", ()))


def _volumes(stateful_set: Object, pod_spec: Object, ordinal: int) -> list[Object]:
    """A claim template takes the place of a volume of the same name."""
    claimed = {
        template["metadata"]["name"]: claim_name(template, stateful_set, ordinal)
        for template in claim_templates(stateful_set)
    }
    others = [item for item in pod_spec.get("volumes", ()) if item["name"] not in claimed]
    return others + [
        {"name": name, "persistentVolumeClaim": {"claimName": claim}}
        for name, claim in claimed.items()
    ]
