"""Gives a cluster the definitions that Moorage needs: CRDs, and policies that warn."""

import asyncio
from collections.abc import Iterable

from adapters.kubernetes.client import Object
from adapters.kubernetes.kinds import ADMISSION_BINDING, ADMISSION_POLICY, CRD
from adapters.kubernetes.objects import KubernetesObjects

LOOK_AGAIN_SECONDS = 0.2

KINDS = {kind.name: kind for kind in (CRD, ADMISSION_POLICY, ADMISSION_BINDING)}


async def install(objects: KubernetesObjects, manifests: Iterable[Object]) -> None:
    """Applies each; safe to repeat. Raises KubernetesRefusal, Unreachable."""
    for manifest in manifests:
        await objects.apply(KINDS[manifest["kind"]], manifest)


def established(crd: Object) -> bool:
    """Whether the API serves the kind that ``crd`` defines."""
    conditions = crd.get("status", {}).get("conditions", ())
    return any(it["type"] == "Established" and it["status"] == "True" for it in conditions)


async def until_served(objects: KubernetesObjects, name: str) -> None:
    """Waits for the CRD of that name. Raises KubernetesRefusal, Unreachable."""
    while not established(await objects.get(CRD, name)):  # noqa: ASYNC110 - nobody tells us
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
