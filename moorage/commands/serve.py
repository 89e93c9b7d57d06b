"""``serve``: Moorage on a real cluster, after a look at whether it can work there."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from adapters.aks.client import ManagedCluster
from adapters.kubernetes.installation import install, until_served
from adapters.kubernetes.node_pools import NodeClass
from adapters.kubernetes.objects import KubernetesObjects
from engine.provisioning import Provisioner
from moorage.azure_access import AzureAccess, azure_access
from moorage.cluster_access import cluster_objects, kubeconfig_to_serve
from moorage.controllers import Controller, NodeApi, definitions_needed
from moorage.definitions import definitions
from moorage.failure import ExitCode, Failure
from moorage.options import TextFormat
from moorage.preflight.checks import preflight
from moorage.preflight.finding import Finding, Level
from moorage.serving import ServingSettings, run_moorage
from moorage.signals import until_signal
from moorage.terminal import notes, print_table, results
from moorage.views.documents import document
from moorage.views.preflight import finding_object, preflight_table

LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
SERVED_SECONDS = 30.0
"""A new CRD is served within a few seconds."""

_AKS_OPTIONS = {
    "subscription": "--subscription (ARM_SUBSCRIPTION_ID)",
    "resource_group": "--resource-group (ARM_RESOURCE_GROUP)",
    "name": "--cluster (AZURE_CLUSTER_NAME)",
    "location": "--location (LOCATION)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """``kubeconfig`` None takes the pod's account or the user's own file."""

    kubeconfig: Path | None
    context: str | None
    controllers: frozenset[Controller]
    node_api: NodeApi
    provisioner: Provisioner
    node_class: NodeClass
    listen: str
    place: ManagedCluster
    install: bool
    check_only: bool
    form: TextFormat


def serve(options: ServeOptions) -> None:
    """Raises Failure where something essential is missing."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("azure").setLevel(logging.WARNING)
    if Controller.NODE in options.controllers:
        _check_place(options.place)
    asyncio.run(until_signal(_serve(options)))
    if not options.check_only:
        _announcements(options.form).out("stopped")


def node_class(text: str) -> NodeClass:
    """``GROUP/KIND/NAME``. Raises Failure for anything else."""
    match text.split("/"):
        case [group, kind, name] if group and kind and name:
            return NodeClass(group=group, kind=kind, name=name)
        case _:
            raise Failure(f"--node-class {text}: not GROUP/KIND/NAME", exit_code=ExitCode.INVALID)


def _check_place(place: ManagedCluster) -> None:
    lacking = [option for field, option in _AKS_OPTIONS.items() if not getattr(place, field)]
    if lacking:
        raise Failure(
            "node claims become agent pools of one AKS cluster: say of which",
            details=[f"missing: {option}" for option in lacking],
            exit_code=ExitCode.INVALID,
        )


async def _serve(options: ServeOptions) -> None:
    path = kubeconfig_to_serve(options.kubeconfig)
    async with AsyncExitStack() as stack:
        objects = await stack.enter_async_context(cluster_objects(path, options.context))
        azure: AzureAccess | None = None
        if Controller.NODE in options.controllers:
            azure = await stack.enter_async_context(azure_access(options.place))
        if options.install:
            needed = definitions_needed(options.controllers, options.node_api, options.provisioner)
            await _install(objects, needed)
        findings = await preflight(
            objects,
            azure,
            controllers=options.controllers,
            node_api=options.node_api,
            provisioner=options.provisioner,
        )
        _tell(findings, options.form)
        if not options.check_only:
            await _run(objects, azure, options)


async def _install(objects: KubernetesObjects, names: Sequence[str]) -> None:
    """``names`` are the CRDs to wait for, though not for ever: the preflight looks at them."""
    await install(objects, definitions())
    try:
        async with asyncio.timeout(SERVED_SECONDS):
            for name in names:
                await until_served(objects, name)
    except TimeoutError:
        return


def _tell(findings: Sequence[Finding], form: TextFormat) -> None:
    """Raises Failure where something essential is missing."""
    if form is TextFormat.TEXT:
        print_table(preflight_table(findings))
    else:
        results().out(document([dict(finding_object(it)) for it in findings], form))
    missing = [it.check for it in findings if it.level is Level.MISSING]
    if missing:
        raise Failure(f"cannot serve this cluster: {', '.join(missing)}")


async def _run(
    objects: KubernetesObjects, azure: AzureAccess | None, options: ServeOptions
) -> None:
    settings = ServingSettings(
        controllers=options.controllers,
        node_api=options.node_api,
        listen=options.listen,
        provisioner=options.provisioner,
        node_class=options.node_class,
    )
    try:
        await run_moorage(
            objects, azure, settings, partial(_announce, _announcements(options.form))
        )
    except OSError as error:
        raise Failure(f"cannot start: {error}") from error


def _announcements(form: TextFormat) -> Console:
    """Beside a document on standard output nothing else belongs."""
    return results() if form is TextFormat.TEXT else notes()


def _announce(console: Console, endpoints: Mapping[str, str]) -> None:
    for name, place in endpoints.items():
        console.out(f"{name:<11} {place}")
    console.out("ready")
    console.file.flush()
