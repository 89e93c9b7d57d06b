"""The objects a workspace is made of, as pure functions of the workspace and its plan.

Names, labels, taints and requirements are those that KAITO's users and provisioners rely on
(``pkg/utils/nodeclaim``, ``pkg/workspace/manifests``).
"""

from dataclasses import dataclass
from typing import Any

from adapters.kubernetes.labels import (
    CAPACITY_TYPE_LABEL,
    GPU_RESOURCE,
    INSTANCE_TYPE_LABEL,
    REVISION_ANNOTATION,
    SKU_LABEL,
    WORKSPACE_LABEL,
    owner_labels,
    selected_labels,
)
from adapters.kubernetes.node_dialect import NODE_CLAIM_DIALECT, NodeDialect
from engine.action import headless_service_name, workload_name
from engine.capacity_type import CapacityType
from engine.instance_types import find_instance_type
from engine.workspace import (
    API_KEY_SECRET_ANNOTATION,
    Adapter,
    Inference,
    Plan,
    Workspace,
)

Object = dict[str, Any]

GATEWAY_PORT = 5000
TRITON_HTTP_PORT = 8000
TRITON_GRPC_PORT = 8001
METRICS_PORT = 8002

UNKNOWN_DISK_GIB = 1024
"""What KAITO asks for where it does not know how much is needed; AKS takes no disk of 0."""

GPU_TAINT: Object = {"key": "sku", "value": "gpu", "effect": "NoSchedule"}
"""Keeps pods that need no GPU off the nodes."""

ADAPTERS_PATH = "/mnt/adapter"
API_KEY_PATH = "/etc/moorage/api-key"

TERMINATION_GRACE_SECONDS = 60
TRITON_EXIT_SECONDS = 45
"""Below the grace period, so that Triton ends by its own word and with exit code 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """The programs of a workspace's pods."""

    triton: str = "ghcr.io/moorage/triton:24.10"
    gateway: str = "ghcr.io/moorage/gateway:0.1.0"
    weights: str = "ghcr.io/moorage/weights:0.1.0"


def node_claim(
    workspace: Workspace, name: str, plan: Plan, dialect: NodeDialect = NODE_CLAIM_DIALECT
) -> Object:
    labels = {
        **selected_labels(workspace),
        dialect.pool_label: dialect.pool,
        **owner_labels(workspace),
    }
    return {
        "apiVersion": dialect.kind.api_version,
        "kind": dialect.kind.name,
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": {
                "karpenter.sh/do-not-disrupt": "true",
                "kaito.sh/node-image-family": workspace.annotations.get(
                    "kaito.sh/node-image-family", "ubuntu"
                ),
            },
        },
        "spec": {
            **dialect.provided_by(name),
            "requirements": _requirements(plan, dialect),
            "resources": {"requests": {"storage": f"{plan.disk_gib or UNKNOWN_DISK_GIB}Gi"}},
            "taints": [GPU_TAINT] if plan.gpus_per_node else [],
        },
    }


def _requirements(plan: Plan, dialect: NodeDialect) -> list[Object]:
    instance_type = find_instance_type(plan.instance_type)
    of_azure = instance_type is None or not instance_type.local
    spot = plan.capacity_type is CapacityType.SPOT
    return [
        requirement(dialect.pool_label, dialect.pool),
        requirement(INSTANCE_TYPE_LABEL, plan.instance_type),
        requirement("kubernetes.io/os", "linux"),
        *([requirement(SKU_LABEL, plan.instance_type)] if of_azure else []),
        *([requirement(CAPACITY_TYPE_LABEL, plan.capacity_type)] if spot else []),
    ]


def requirement(key: str, value: str) -> Object:
    return {"key": key, "operator": "In", "values": [value]}


def services(workspace: Workspace) -> tuple[Object, Object]:
    """The Service users talk to, and the headless one that names the pods."""
    front = _service(workspace, workspace.ref.name)
    front["spec"] |= {
        "type": "LoadBalancer"
        if workspace.annotations.get("kaito.sh/enablelb") == "True"
        else "ClusterIP",
        "ports": [
            _port("http", 80, GATEWAY_PORT),
            _port("triton-http", TRITON_HTTP_PORT, TRITON_HTTP_PORT),
            _port("triton-grpc", TRITON_GRPC_PORT, TRITON_GRPC_PORT),
            _port("metrics", METRICS_PORT, METRICS_PORT),
        ],
    }
    headless = _service(workspace, headless_service_name(workspace.ref))
    headless["spec"] |= {"clusterIP": "None", "publishNotReadyAddresses": True}
    return front, headless


def _service(workspace: Workspace, name: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _owned(workspace, name),
        "spec": {"selector": {WORKSPACE_LABEL: workspace.ref.name}},
    }


def _port(name: str, port: int, target: int) -> Object:
    return {"name": name, "port": port, "targetPort": target, "protocol": "TCP"}


def _owned(workspace: Workspace, name: str) -> Object:
    return {
        "name": name,
        "namespace": workspace.ref.namespace,
        "labels": owner_labels(workspace),
        "ownerReferences": [
            {
                "apiVersion": "kaito.sh/v1beta1",
                "kind": "Workspace",
                "name": workspace.ref.name,
                "uid": workspace.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }


def stateful_set(workspace: Workspace, plan: Plan, revision: str, images: Images) -> Object:
    inference = workspace.spec.inference or Inference()
    metadata = _owned(workspace, workload_name(workspace.ref))
    metadata["annotations"] = {REVISION_ANNOTATION: revision}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": metadata,
        "spec": {
            "replicas": plan.node_count,
            "podManagementPolicy": "Parallel",
            "serviceName": headless_service_name(workspace.ref),
            "selector": {"matchLabels": {WORKSPACE_LABEL: workspace.ref.name}},
            "template": {
                "metadata": {
                    "labels": owner_labels(workspace),
                    "annotations": {REVISION_ANNOTATION: revision},
                },
                "spec": _pod(workspace, inference, plan, images),
            },
        },
    }


def _pod(workspace: Workspace, inference: Inference, plan: Plan, images: Images) -> Object:
    config_volumes = (
        [{"name": "config", "configMap": {"name": inference.config}}] if inference.config else []
    )
    adapter_volumes = [
        {"name": f"adapter-volume-{a.source.name}", **a.source.volume}
        for a in inference.adapters
        if a.source.volume is not None
    ]
    secret = workspace.annotations.get(API_KEY_SECRET_ANNOTATION)
    secrets = {s for a in inference.adapters for s in a.source.image_pull_secrets}
    return {
        "terminationGracePeriodSeconds": TERMINATION_GRACE_SECONDS,
        "initContainers": [
            _weights(plan, images),
            *(_puller(a, images) for a in inference.adapters if a.source.image),
        ],
        "containers": [
            _triton(inference, plan, images),
            _gateway(inference, plan, images, api_key=bool(secret)),
        ],
        "volumes": [
            {"name": "models", "emptyDir": {}},
            {"name": "dshm", "emptyDir": {"medium": "Memory"}},
            *([{"name": "adapters", "emptyDir": {}}] if inference.adapters else []),
            *([{"name": "api-key", "secret": {"secretName": secret}}] if secret else []),
            *config_volumes,
            *adapter_volumes,
        ],
        "imagePullSecrets": [{"name": secret} for secret in sorted(secrets)],
        "tolerations": _tolerations(plan),
        "affinity": {"nodeAffinity": _node_affinity(workspace)},
    }


_SPOT_TOLERATION = {
    "key": "kubernetes.azure.com/scalesetpriority",
    "operator": "Equal",
    "value": "spot",
    "effect": "NoSchedule",
}
"""AKS taints its spot nodes by itself."""


def _tolerations(plan: Plan) -> list[Object]:
    return [
        {"key": GPU_RESOURCE, "operator": "Exists", "effect": "NoSchedule"},
        {"key": "sku", "operator": "Equal", "value": "gpu", "effect": "NoSchedule"},
        *([_SPOT_TOLERATION] if plan.capacity_type is CapacityType.SPOT else []),
    ]


def _node_affinity(workspace: Workspace) -> Object:
    wanted = {**selected_labels(workspace), **owner_labels(workspace)}
    expressions = [requirement(key, value) for key, value in wanted.items()]
    return {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchExpressions": expressions}]
        }
    }


_POD_IP = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
_MODELS = {"name": "models", "mountPath": "/models"}


def _weights(plan: Plan, images: Images) -> Object:
    return {
        "name": "weights",
        "image": images.weights,
        "args": [
            f"--preset={plan.preset}",
            "--model-repository=/models",
            *(["--precision=fp16"] if plan.gpus_per_node else []),
        ],
        "volumeMounts": [_MODELS],
    }


def _puller(adapter: Adapter, images: Images) -> Object:
    return {
        "name": f"puller-{adapter.source.name}",
        "image": images.weights,
        "args": [
            f"--adapter-image={adapter.source.image}",
            f"--output={_adapter_path(adapter)}",
        ],
        "volumeMounts": [{"name": "adapters", "mountPath": ADAPTERS_PATH}],
    }


def _adapter_path(adapter: Adapter) -> str:
    return f"{ADAPTERS_PATH}/{adapter.source.name}"


def _adapter_mounts(inference: Inference) -> list[Object]:
    if not inference.adapters:
        return []
    volumes = [
        {
            "name": f"adapter-volume-{adapter.source.name}",
            "mountPath": _adapter_path(adapter),
            "readOnly": True,
        }
        for adapter in inference.adapters
        if adapter.source.volume is not None
    ]
    return [{"name": "adapters", "mountPath": ADAPTERS_PATH}, *volumes]


def _adapter_environment(inference: Inference) -> list[Object]:
    """What ``triton_models/chat_lm/1/model.py`` reads."""
    if not inference.adapters:
        return []
    loaded = [f"{one.source.name}={_adapter_path(one)}" for one in inference.adapters]
    return [
        {"name": "MOORAGE_ADAPTERS_DIRECTORY", "value": ADAPTERS_PATH},
        {"name": "MOORAGE_ADAPTERS", "value": ",".join(loaded)},
    ]


def _triton(inference: Inference, plan: Plan, images: Images) -> Object:
    ready = {
        "httpGet": {"path": f"/v2/models/{plan.preset}/ready", "port": TRITON_HTTP_PORT},
        "periodSeconds": 1,
        "timeoutSeconds": 2,
    }
    gpus = {GPU_RESOURCE: str(plan.gpus_per_node)} if plan.gpus_per_node else {}
    mounts = [_MODELS, {"name": "dshm", "mountPath": "/dev/shm"}]  # noqa: S108 - the pod's own
    mounts += _adapter_mounts(inference)
    if inference.config:
        mounts.append({"name": "config", "mountPath": "/mnt/config"})
    return {
        "name": "triton",
        "image": images.triton,
        "command": ["tritonserver"],
        "args": [
            "--model-repository=/models",
            "--model-control-mode=explicit",
            f"--load-model={plan.preset}",
            *(["--model-config-name=gpu"] if plan.gpus_per_node else []),
            "--http-address=$(POD_IP)",
            f"--http-port={TRITON_HTTP_PORT}",
            "--grpc-address=$(POD_IP)",
            f"--grpc-port={TRITON_GRPC_PORT}",
            "--metrics-address=$(POD_IP)",
            f"--metrics-port={METRICS_PORT}",
            f"--exit-timeout-secs={TRITON_EXIT_SECONDS}",
        ],
        "env": [_POD_IP, *_adapter_environment(inference)],
        "ports": [
            {"name": "triton-http", "containerPort": TRITON_HTTP_PORT},
            {"name": "triton-grpc", "containerPort": TRITON_GRPC_PORT},
            {"name": "metrics", "containerPort": METRICS_PORT},
        ],
        "resources": {"requests": gpus, "limits": gpus},
        "readinessProbe": {**ready, "failureThreshold": 2},
        "volumeMounts": mounts,
    }


def _gateway(inference: Inference, plan: Plan, images: Images, *, api_key: bool) -> Object:
    return {
        "name": "gateway",
        "image": images.gateway,
        "args": [
            f"--listen=$(POD_IP):{GATEWAY_PORT}",
            f"--triton=$(POD_IP):{TRITON_GRPC_PORT}",
            f"--model={plan.preset}",
            *(f"--adapter={one.source.name}={one.strength}" for one in inference.adapters),
            *([f"--api-key-file={API_KEY_PATH}/api-key"] if api_key else []),
        ],
        "env": [_POD_IP],
        "volumeMounts": [{"name": "api-key", "mountPath": API_KEY_PATH, "readOnly": True}]
        if api_key
        else [],
        "ports": [{"name": "http", "containerPort": GATEWAY_PORT}],
        "readinessProbe": {
            "httpGet": {"path": "/health", "port": GATEWAY_PORT},
            "periodSeconds": 1,
            "timeoutSeconds": 2,
            "failureThreshold": 2,
        },
    }
