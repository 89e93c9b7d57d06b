"""Gives a cluster the definitions that Moorage needs: CRDs, and policies that warn."""

from collections.abc import Iterable

from adapters.kubernetes.client import Object
from adapters.kubernetes.kinds import ADMISSION_BINDING, ADMISSION_POLICY, CRD
from adapters.kubernetes.objects import KubernetesObjects

KINDS = {kind.name: kind for kind in (CRD, ADMISSION_POLICY, ADMISSION_BINDING)}


async def install(objects: KubernetesObjects, manifests: Iterable[Object]) -> None:
    """Applies each; safe to repeat. Raises KubernetesRefusal, Unreachable."""
    for manifest in manifests:
        await objects.apply(KINDS[manifest["kind"]], manifest)
