"""How the parts of an object merge: which lists are sets or maps, and what is replaced whole.

Strategic merge patch and server-side apply both need to know. Custom resources say it in their
schema (``x-kubernetes-list-type`` and its kin); for built-in kinds the facts are those of the
``+listType``, ``+listMapKey``, ``+patchStrategy`` and ``+patchMergeKey`` markers in
k8s.io/api and k8s.io/apimachinery. What is not named here merges as Kubernetes does by default:
maps field by field, lists as one value.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.kubernetes.status import Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How one value merges.

    ``keys`` name an item of a list of type map for server-side apply, each with the value that
    stands in for a missing one; ``patch_key`` does so for strategic merge patch, which at times
    differs.
    """

    fields: Mapping[str, "Shape"] = field(default_factory=dict)
    items: "Shape | None" = None
    keys: Mapping[str, Any] = field(default_factory=dict)
    patch_key: str = ""
    is_atomic: bool = False
    is_set: bool = False

    def child(self, name: str) -> "Shape":
        return self.fields.get(name) or self.items or PLAIN

    @property
    def item(self) -> "Shape":
        return self.items or PLAIN


PLAIN = Shape()
ATOMIC = Shape(is_atomic=True)
SET = Shape(is_set=True)


def struct(**fields: Shape) -> Shape:
    return Shape(fields=fields)


def keyed(key: str, item: Shape = PLAIN) -> Shape:
    """A list whose items are told apart by one field."""
    return Shape(items=item, keys={key: None}, patch_key=key)


_OBJECT_META = struct(ownerReferences=keyed("uid", ATOMIC), finalizers=SET)
_CONDITIONS = struct(conditions=keyed("type"))
_CONTAINER = struct(
    env=keyed(
        "name",
        struct(
            valueFrom=struct(
                configMapKeyRef=ATOMIC,
                fieldRef=ATOMIC,
                resourceFieldRef=ATOMIC,
                secretKeyRef=ATOMIC,
            )
        ),
    ),
    ports=Shape(
        items=PLAIN, keys={"containerPort": None, "protocol": "TCP"}, patch_key="containerPort"
    ),
    resources=struct(claims=Shape(items=PLAIN, keys={"name": None})),
    volumeDevices=keyed("devicePath"),
    volumeMounts=keyed("mountPath"),
)
_CLAIM = struct(
    metadata=_OBJECT_META,
    spec=struct(selector=ATOMIC, dataSource=ATOMIC),
    status=_CONDITIONS,
)
_POD_SPEC = struct(
    affinity=struct(nodeAffinity=struct(requiredDuringSchedulingIgnoredDuringExecution=ATOMIC)),
    containers=keyed("name", _CONTAINER),
    ephemeralContainers=keyed("name", _CONTAINER),
    hostAliases=keyed("ip"),
    imagePullSecrets=keyed("name", ATOMIC),
    initContainers=keyed("name", _CONTAINER),
    nodeSelector=ATOMIC,
    resourceClaims=keyed("name"),
    schedulingGates=keyed("name"),
    topologySpreadConstraints=Shape(
        items=struct(labelSelector=ATOMIC),
        keys={"topologyKey": None, "whenUnsatisfiable": None},
        patch_key="topologyKey",
    ),
    volumes=keyed("name", struct(ephemeral=struct(volumeClaimTemplate=_CLAIM))),
)
_POD_TEMPLATE = struct(metadata=_OBJECT_META, spec=_POD_SPEC)
_POD_SET_SPEC = struct(selector=ATOMIC, template=_POD_TEMPLATE)
_WORKLOAD = struct(spec=_POD_SET_SPEC, status=_CONDITIONS)

_KINDS: dict[str, Shape] = {
    "ClusterRoleBinding": struct(roleRef=ATOMIC),
    "CronJob": struct(
        spec=struct(jobTemplate=struct(metadata=_OBJECT_META, spec=_POD_SET_SPEC)),
    ),
    "CustomResourceDefinition": struct(status=_CONDITIONS),
    "DaemonSet": _WORKLOAD,
    "Deployment": _WORKLOAD,
    "Event": struct(involvedObject=ATOMIC, related=ATOMIC),
    "HorizontalPodAutoscaler": struct(status=_CONDITIONS),
    "Ingress": struct(
        spec=struct(defaultBackend=struct(resource=ATOMIC, service=struct(port=ATOMIC)))
    ),
    "Job": struct(
        spec=_POD_SET_SPEC,
        status=struct(conditions=Shape(items=PLAIN, patch_key="type", is_atomic=True)),
    ),
    "Namespace": struct(status=_CONDITIONS),
    "Node": struct(
        spec=struct(podCIDRs=SET),
        status=struct(addresses=keyed("type"), conditions=keyed("type")),
    ),
    "PersistentVolume": struct(spec=struct(claimRef=ATOMIC, nodeAffinity=struct(required=ATOMIC))),
    "PersistentVolumeClaim": _CLAIM,
    "Pod": struct(
        spec=_POD_SPEC,
        status=struct(
            conditions=keyed("type"),
            hostIPs=Shape(items=PLAIN, patch_key="ip", is_atomic=True),
            podIPs=keyed("ip"),
        ),
    ),
    "PodDisruptionBudget": struct(spec=struct(selector=ATOMIC), status=_CONDITIONS),
    "PodTemplate": struct(template=_POD_TEMPLATE),
    "ReplicaSet": _WORKLOAD,
    "ReplicationController": struct(
        spec=struct(selector=ATOMIC, template=_POD_TEMPLATE), status=_CONDITIONS
    ),
    "ResourceQuota": struct(spec=struct(scopeSelector=ATOMIC)),
    "RoleBinding": struct(roleRef=ATOMIC),
    "Service": struct(
        spec=struct(
            ports=Shape(items=PLAIN, keys={"port": None, "protocol": "TCP"}, patch_key="port"),
            selector=ATOMIC,
        ),
        status=_CONDITIONS,
    ),
    "ServiceAccount": struct(secrets=keyed("name", ATOMIC)),
    "StatefulSet": _WORKLOAD,
}


def shape_of_kind(kind: str) -> Shape:
    """The shape of a built-in kind."""
    shape = _KINDS.get(kind, PLAIN)
    return replace(shape, fields={"metadata": _OBJECT_META, **shape.fields})


def shape_of_schema(schema: Object) -> Shape:
    """The shape of a custom resource with this structural schema."""
    shape = _from_schema(schema)
    metadata = shape.fields.get("metadata", PLAIN)
    merged = replace(metadata, fields={**metadata.fields, **_OBJECT_META.fields})
    return replace(shape, fields={**shape.fields, "metadata": merged})


def _from_schema(schema: Object) -> Shape:
    if schema.get("type") == "array":
        return _list_from_schema(schema)
    if schema.get("x-kubernetes-map-type") == "atomic":
        return ATOMIC
    additional = schema.get("additionalProperties")
    fields = {
        name: _from_schema(child)
        for name, child in schema.get("properties", {}).items()
        if isinstance(child, dict)
    }
    return Shape(
        fields=fields, items=_from_schema(additional) if isinstance(additional, dict) else None
    )


def _list_from_schema(schema: Object) -> Shape:
    items = schema.get("items", {})
    match schema.get("x-kubernetes-list-type"):
        case "set":
            return SET
        case "map":
            properties = items.get("properties", {})
            names = schema.get("x-kubernetes-list-map-keys", [])
            keys = {name: properties.get(name, {}).get("default") for name in names}
            return Shape(items=_from_schema(items), keys=keys)
        case _:
            return ATOMIC
