"""``apply``, ``delete``, ``retry``: what is wanted, and no longer."""

from collections.abc import Sequence

import grpc

from api.names import workspace_name
from engine.workspace import WorkspaceRef
from moorage.client import Client, connected
from moorage.commands.watching import gone, next_attempt
from moorage.failure import Failure
from moorage.following import Subject
from moorage.manifests import Manifest, change, creation, manifest_path, read_manifests
from moorage.rpc_failure import failure_of
from moorage.terminal import notes, results

ATTEMPTS = 5
"""The engine writes to a workspace too; an apply that crossed it decides again."""


async def apply(address: str, texts: Sequence[str], *, namespace: str, dry_run: bool) -> None:
    """Applies each Workspace; one that fails does not keep the others from it."""
    manifests = [it for text in texts for it in read_manifests(text, namespace=namespace)]
    suffix = " (dry run)" if dry_run else ""
    failures: list[tuple[Manifest, Failure]] = []
    async with connected(address) as client:
        for manifest in manifests:
            try:
                verb, warnings = await applied(client, manifest, dry_run=dry_run)
            except grpc.aio.AioRpcError as error:
                failures.append((manifest, failure_of(error, address, spelled=manifest_path)))
                continue
            _warn(warnings)
            results().out(f"workspace.kaito.sh/{manifest.ref.name} {verb}{suffix}")
    if failures:
        raise _together(failures)


async def applied(
    client: Client, manifest: Manifest, *, dry_run: bool = False
) -> tuple[str, Sequence[str]]:
    """What became of it (created, configured, unchanged), and the warnings."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return await _apply_once(client, manifest, dry_run=dry_run)
        except grpc.aio.AioRpcError as error:
            crossed = error.code() in {grpc.StatusCode.ABORTED, grpc.StatusCode.ALREADY_EXISTS}
            if not crossed or attempt == ATTEMPTS:
                raise
    raise AssertionError  # the last attempt returned or raised


async def _apply_once(
    client: Client, manifest: Manifest, *, dry_run: bool
) -> tuple[str, Sequence[str]]:
    stored = await client.find(workspace_name(manifest.ref))
    if stored is None:
        return "created", await client.create(creation(manifest, dry_run=dry_run))
    request = change(manifest, stored, dry_run=dry_run)
    if request is None:
        return "unchanged", ()
    return "configured", await client.update(request)


def _together(failures: Sequence[tuple[Manifest, Failure]]) -> Failure:
    manifest, first = failures[0]
    if len(failures) == 1:
        return Failure(
            f"{manifest.ref}: {first.message}", details=first.details, exit_code=first.exit_code
        )
    lines = [
        f"{manifest.ref}: {line}"
        for manifest, failure in failures
        for line in (failure.message, *failure.details)
    ]
    return Failure(f"{len(failures)} workspaces failed", details=lines, exit_code=first.exit_code)


def _warn(warnings: Sequence[str]) -> None:
    for warning in warnings:
        notes().print(f"Warning: {warning}", style="yellow")


async def delete(address: str, ref: WorkspaceRef, *, wait_seconds: float | None) -> None:
    """Waits until nothing of it is left, unless ``wait_seconds`` is None."""
    async with connected(address) as client:
        await client.delete(workspace_name(ref))
        if wait_seconds is None:
            results().out(f"workspace.kaito.sh/{ref.name} is being deleted")
            return
        await gone(client, Subject(namespace=ref.namespace, name=ref.name), wait_seconds, notes())
    results().out(f"workspace.kaito.sh/{ref.name} deleted")


async def retry(address: str, ref: WorkspaceRef) -> None:
    """Returns when the new attempt has begun, so that whoever looks next sees that one."""
    async with connected(address) as client:
        asked = await client.retry(workspace_name(ref))
        attempt = await next_attempt(
            client, Subject(namespace=ref.namespace, name=ref.name), asked.attempt
        )
    results().out(f"workspace.kaito.sh/{ref.name}: attempt {attempt} has begun")
