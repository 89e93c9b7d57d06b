"""Whether the cluster has what Moorage needs, and lets it do what it does."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence

from adapters.kubernetes.client import Object
from adapters.kubernetes.errors import KubernetesRefusal
from adapters.kubernetes.installation import established
from adapters.kubernetes.kinds import ACCESS_REVIEW, CRD, DAEMON_SET, DEPLOYMENT, Kind
from adapters.kubernetes.objects import KubernetesObjects
from engine.errors import Unreachable
from moorage.controllers import Controller, Rule
from moorage.preflight.finding import Finding, missing, ok, warning

GRANT = "kubectl apply -f deploy/rbac.yaml, and run as its service account"
INSTALL = "moorage serve --install, or kubectl apply -f deploy/crds"
DEVICE_PLUGIN_IMAGES = ("k8s-device-plugin", "gpu-operator")
RIVALS = {
    "gpu-provisioner": Controller.NODE,
    "kaito-workspace": Controller.WORKSPACE,
}
"""Names of Deployments that do the same work; two of a kind would undo each other's."""


async def api_answers(objects: KubernetesObjects) -> Finding:
    check = "Kubernetes API"
    try:
        return ok(check, await objects.server_version())
    except (KubernetesRefusal, Unreachable) as error:
        return missing(check, str(error), "see whether `kubectl version` works with the same file")


async def definition(objects: KubernetesObjects, name: str) -> Finding:
    check = f"CRD {name}"
    try:
        crd = await objects.get(CRD, name)
    except KubernetesRefusal as error:
        if error.not_found:
            return missing(check, "not installed", INSTALL)
        return missing(check, str(error), GRANT)
    if not established(crd):
        return missing(check, "not served", f"kubectl describe crd {name}")
    versions = [version["name"] for version in crd["spec"]["versions"] if version["served"]]
    return ok(check, ", ".join(versions))


async def permissions(objects: KubernetesObjects, rules: Iterable[Rule]) -> Finding:
    """All are asked for at once: a cluster far away has no more than one delay to give."""
    check = "permissions"
    asked = [(rule, verb) for rule in rules for verb in rule.verbs]
    answers = await asyncio.gather(*(_allowed(objects, rule, verb) for rule, verb in asked))
    denied = [it for it, allowed in zip(asked, answers, strict=True) if not allowed]
    if not denied:
        return ok(check, f"all {len(asked)}")
    return missing(check, f"may not {'; '.join(_grouped(denied))}", GRANT)


async def _allowed(objects: KubernetesObjects, rule: Rule, verb: str) -> bool:
    resource, _, subresource = rule.resource.partition("/")
    attributes = {"group": rule.group, "resource": resource, "verb": verb}
    if subresource:
        attributes["subresource"] = subresource
    review = await objects.create(
        ACCESS_REVIEW,
        {
            "apiVersion": ACCESS_REVIEW.api_version,
            "kind": ACCESS_REVIEW.name,
            "metadata": {},
            "spec": {"resourceAttributes": attributes},
        },
    )
    return bool(review["status"]["allowed"])


def _grouped(denied: Sequence[tuple[Rule, str]]) -> Iterator[str]:
    verbs: dict[str, list[str]] = {}
    for rule, verb in denied:
        verbs.setdefault(rule.resource, []).append(verb)
    for resource, lacking in verbs.items():
        yield f"{', '.join(lacking)} {resource}"


async def device_plugin(objects: KubernetesObjects) -> Finding:
    check = "NVIDIA device plugin"
    sets = await _all(objects, DAEMON_SET)
    if sets is None:
        return warning(check, "may not list DaemonSets", GRANT)
    names = [_name(item) for item in sets if _has_image(item, DEVICE_PLUGIN_IMAGES)]
    if names:
        return ok(check, ", ".join(names))
    return warning(
        check,
        "no such DaemonSet",
        "install it, or use managed GPU pools: without it GPUs never become allocatable",
    )


async def rivals(objects: KubernetesObjects, controllers: Iterable[Controller]) -> Finding:
    check = "other controllers"
    deployments = await _all(objects, DEPLOYMENT)
    if deployments is None:
        return warning(check, "may not list Deployments", GRANT)
    names = [name for name, controller in RIVALS.items() if controller in controllers]
    found = [
        _name(item)
        for item in deployments
        if item["metadata"]["name"] in names and item["spec"].get("replicas", 1)
    ]
    if not found:
        return ok(check, "none")
    return warning(
        check,
        f"{', '.join(found)} does the same work",
        "kubectl scale deployment --replicas=0, or leave its part out of --controllers",
    )


async def _all(objects: KubernetesObjects, kind: Kind) -> Sequence[Object] | None:
    """None where they may not be listed."""
    try:
        items, _ = await objects.list_all(kind)
    except KubernetesRefusal:
        return None
    return items


def _name(item: Object) -> str:
    return f"{item['metadata']['namespace']}/{item['metadata']['name']}"


def _has_image(item: Object, parts: Iterable[str]) -> bool:
    containers = item["spec"]["template"]["spec"]["containers"]
    images = [container.get("image", "") for container in containers]
    return any(part in image for part in parts for image in images)
