"""The Kubernetes API of a cluster, for commands that look at it directly."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from os import environ
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import kubernetes.aio.config
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import ConfigException
from yaml import YAMLError

from adapters.kubernetes.client import KubernetesClient, Object
from adapters.kubernetes.errors import KubernetesRefusal
from adapters.kubernetes.kinds import (
    EVENT,
    NODE,
    NODE_CLAIM,
    POD,
    SERVICE,
    STATEFUL_SET,
    WORKSPACE,
    Kind,
)
from adapters.kubernetes.labels import WORKSPACE_LABEL
from adapters.kubernetes.objects import KubernetesObjects
from engine.errors import Unreachable
from moorage.failure import ExitCode, Failure
from moorage.simulation.observed import Cluster
from moorage.state_directory import default_state_directory

IN_CLUSTER = "KUBERNETES_SERVICE_HOST"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


_UNUSABLE = (ConfigException, OSError, YAMLError, TypeError, KeyError, AttributeError)
"""What the loader raises: it does not look whether the file is a kubeconfig at all."""


@asynccontextmanager
async def cluster_objects(
    kubeconfig: Path | None, context: str | None
) -> AsyncIterator[KubernetesObjects]:
    """By the pod's own account where ``kubeconfig`` is None.

    Raises Failure where there is no cluster, or it does not answer as it should.
    """
    configuration = await _configuration(kubeconfig, context)
    configuration.retries = 0
    api = ApiClient(configuration)
    try:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(api.close)
            yield KubernetesObjects(KubernetesClient(api))
    except Unreachable as error:
        raise Failure(str(error), exit_code=ExitCode.UNREACHABLE) from error
    except KubernetesRefusal as error:
        raise Failure(f"the cluster refuses: {error}") from error


async def read_cluster(objects: KubernetesObjects) -> Cluster:
    """As it is now. What belongs to workspaces is read before them, so that none misses its own."""
    owned = [
        item
        for kind in (NODE_CLAIM, STATEFUL_SET, SERVICE, POD, NODE)
        for item in await _all(objects, kind, labels=WORKSPACE_LABEL)
    ]
    events = await _all(objects, EVENT)
    workspaces = await _all(objects, WORKSPACE)
    return Cluster(at=datetime.now(UTC), workspaces=workspaces, objects=owned, events=events)


async def _all(objects: KubernetesObjects, kind: Kind, *, labels: str = "") -> list[Object]:
    """None of a kind that the cluster does not know; items of lists do not say what they are."""
    try:
        items, _ = await objects.list_all(kind, labels=labels)
    except KubernetesRefusal as error:
        if error.unserved:
            return []
        raise
    return [{**item, "apiVersion": kind.api_version, "kind": kind.name} for item in items]


async def _configuration(path: Path | None, context: str | None) -> Configuration:
    configuration = Configuration()
    loaders: Any = kubernetes.aio.config  # it ships no types
    try:
        if path is not None:
            await loaders.load_kube_config(
                str(path), context, client_configuration=configuration, persist_config=False
            )
        else:
            loaders.load_incluster_config(client_configuration=configuration)
    except _UNUSABLE as error:
        where = path or "the pod's own account"
        raise Failure(f"cannot use {where}: {error}", exit_code=ExitCode.INVALID) from error
    if urlsplit(configuration.host).hostname in LOOPBACK:
        # Proxies of the machine's environment are not for loopback.
        configuration.client_session_kwargs = {"trust_env": False}
    return configuration


def kubeconfig_to_read(given: Path | None, state_directory: Path | None) -> Path | None:
    """That of `moorage up` comes before the user's own; None is the pod's account.

    Raises Failure where there is nothing to go by.
    """
    started = (state_directory or default_state_directory()) / "kubeconfig"
    if given is None and started.exists():
        return started
    if given is None and state_directory is not None:
        raise _no_cluster(f"nothing has been started on {started.parent}")
    return kubeconfig_to_serve(given)


def kubeconfig_to_serve(given: Path | None) -> Path | None:
    """Within a pod, its account (None) comes before any file.

    Raises Failure where there is nothing to go by.
    """
    if given is not None:
        return given
    if IN_CLUSTER in environ:
        return None
    own = Path.home() / ".kube" / "config"
    if own.exists():
        return own
    raise _no_cluster(f"there is no {own}")


def _no_cluster(why: str) -> Failure:
    return Failure(
        f"no cluster found: {why}",
        details=["start one with `moorage up`, or name one with --kubeconfig FILE"],
        exit_code=ExitCode.UNREACHABLE,
    )
