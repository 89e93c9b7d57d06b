"""``lifecycle.postStart`` and ``lifecycle.preStop`` of a container."""

import asyncio

from simulator.kubelet.pod_access import PodAccess
from simulator.kubelet.probes import resolved_handler
from simulator.kubelet.runtime import Container
from simulator.kubernetes.status import Object

HOOK_LIMIT_SECONDS = 60.0


async def run_hook(
    access: PodAccess,
    spec: Object,
    container: Container,
    hook: str,
    *,
    limit: float = HOOK_LIMIT_SECONDS,
) -> None:
    """A hook that fails is told in an Event; the container carries on."""
    handler = resolved_handler((spec.get("lifecycle") or {}).get(hook) or {}, spec)
    if not handler:
        return
    if "sleep" in handler:
        await asyncio.sleep(min(limit, handler["sleep"]["seconds"]))
        return
    outcome = await container.probe(handler, limit)
    if not outcome.succeeded:
        reason = f"Failed{hook[0].upper()}{hook[1:]}Hook"
        access.warning(reason, f"{hook} hook failed: {outcome.message}")
