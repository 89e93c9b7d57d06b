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


def atomic_but_patched(key: str, item: Shape = PLAIN) -> Shape:
    """A list that server-side apply replaces whole, and strategic merge patch merges."""
    return Shape(items=item, patch_key=key, is_atomic=True)


_OBJECT_META = struct(
    ownerReferences=keyed("uid", ATOMIC),
    finalizers=SET,
)
_CONDITIONS = struct(conditions=keyed("type"))
_ENV = struct(
    valueFrom=struct(
        fieldRef=ATOMIC, resourceFieldRef=ATOMIC, configMapKeyRef=ATOMIC, secretKeyRef=ATOMIC
    )
)
_PORTS = Shape(
    items=PLAIN, keys={"containerPort": None, "protocol": "TCP"}, patch_key="containerPort"
)
_CONTAINER = struct(
    env=keyed("name", _ENV),
    ports=_PORTS,
    resources=struct(claims=keyed("name")),
    volumeDevices=keyed("devicePath"),
    volumeMounts=keyed("mountPath"),
)
_VOLUME = struct(
    configMap=PLAIN,
    secret=PLAIN,
    projected=PLAIN,
    downwardAPI=PLAIN,
)
_SPREAD = Shape(
    items=struct(labelSelector=ATOMIC),
    keys={"topologyKey": None, "whenUnsatisfiable": None},
    patch_key="topologyKey",
)
_POD_SPEC = struct(
    containers=keyed("name", _CONTAINER),
    initContainers=keyed("name", _CONTAINER),
    ephemeralContainers=keyed("name", _CONTAINER),
    volumes=keyed("name", _VOLUME),
    imagePullSecrets=keyed("name", ATOMIC),
    hostAliases=keyed("ip"),
    nodeSelector=ATOMIC,
    readinessGates=PLAIN,
    resourceClaims=keyed("name"),
    schedulingGates=keyed("name"),
    tolerations=ATOMIC,
    topologySpreadConstraints=_SPREAD,
)
_POD_TEMPLATE = struct(metadata=_OBJECT_META, spec=_POD_SPEC)
_CLAIM = struct(
    metadata=_OBJECT_META,
    spec=struct(selector=ATOMIC, dataSource=ATOMIC),
    status=_CONDITIONS,
)
_WORKLOAD_SPEC = struct(selector=ATOMIC, template=_POD_TEMPLATE)
_WORKLOAD = struct(spec=_WORKLOAD_SPEC, status=_CONDITIONS)
_JOB_SPEC = struct(selector=ATOMIC, template=_POD_TEMPLATE)
_SERVICE_PORTS = Shape(items=PLAIN, keys={"port": None, "protocol": "TCP"}, patch_key="port")
_LOCAL_OBJECTS = keyed("name", ATOMIC)

_KINDS: dict[str, Shape] = {
    "CronJob": struct(
        spec=struct(jobTemplate=struct(metadata=_OBJECT_META, spec=_JOB_SPEC)),
        status=struct(active=ATOMIC),
    ),
    "ClusterRole": struct(rules=ATOMIC, aggregationRule=ATOMIC),
    "ClusterRoleBinding": struct(subjects=ATOMIC, roleRef=ATOMIC),
    "CustomResourceDefinition": struct(
        spec=struct(versions=ATOMIC), status=struct(conditions=keyed("type"), storedVersions=ATOMIC)
    ),
    "DaemonSet": _WORKLOAD,
    "Deployment": _WORKLOAD,
    "EndpointSlice": struct(
        endpoints=ATOMIC,
        ports=ATOMIC,
    ),
    "HorizontalPodAutoscaler": _CONDITIONS,
    "Job": struct(spec=_JOB_SPEC, status=_CONDITIONS),
    "Namespace": struct(spec=struct(finalizers=ATOMIC), status=_CONDITIONS),
    "Node": struct(
        spec=struct(taints=atomic_but_patched("key"), podCIDRs=SET),
        status=struct(
            conditions=keyed("type"),
            addresses=keyed("type"),
        ),
    ),
    "PersistentVolume": struct(spec=struct(claimRef=ATOMIC, nodeAffinity=PLAIN)),
    "PersistentVolumeClaim": _CLAIM,
    "Pod": struct(
        spec=_POD_SPEC,
        status=struct(
            conditions=keyed("type"),
            hostIPs=atomic_but_patched("ip"),
            podIPs=keyed("ip"),
        ),
    ),
    "PodDisruptionBudget": struct(spec=struct(selector=ATOMIC), status=_CONDITIONS),
    "PodTemplate": struct(template=_POD_TEMPLATE),
    "ReplicaSet": _WORKLOAD,
    "ReplicationController": struct(
        spec=struct(selector=ATOMIC, template=_POD_TEMPLATE), status=_CONDITIONS
    ),
    "Role": struct(rules=ATOMIC),
    "RoleBinding": struct(subjects=ATOMIC, roleRef=ATOMIC),
    "Service": struct(
        spec=struct(ports=_SERVICE_PORTS, selector=ATOMIC),
        status=struct(conditions=keyed("type"), loadBalancer=struct(ingress=ATOMIC)),
    ),
    "ServiceAccount": struct(secrets=keyed("name"), imagePullSecrets=ATOMIC),
    "StatefulSet": struct(
        spec=replace(
            _WORKLOAD_SPEC, fields={**_WORKLOAD_SPEC.fields, "volumeClaimTemplates": ATOMIC}
        ),
        status=_CONDITIONS,
    ),
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
