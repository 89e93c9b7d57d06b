"""The kinds every cluster has (Kubernetes 1.37 API), as far as Moorage and kubectl meet them."""

from simulator.kubernetes import event_views
from simulator.kubernetes.merge_shapes import shape_of_kind
from simulator.kubernetes.names import NameRule
from simulator.kubernetes.resources import (
    OBJECT_VERBS,
    Resource,
    ScalePaths,
    Subresource,
    View,
)

_STATUS_VERBS = ("get", "patch", "update")


def status_of(kind: str, group: str, version: str) -> Subresource:
    return Subresource(name="status", kind=kind, group=group, version=version, verbs=_STATUS_VERBS)


SCALE = Subresource(
    name="scale", kind="Scale", group="autoscaling", version="v1", verbs=_STATUS_VERBS
)
_POD_SUBRESOURCES = (
    Subresource(name="attach", kind="PodAttachOptions", verbs=("create", "get")),
    Subresource(name="binding", kind="Binding", verbs=("create",)),
    Subresource(name="eviction", kind="Eviction", group="policy", verbs=("create",)),
    Subresource(name="exec", kind="PodExecOptions", verbs=("create", "get")),
    Subresource(name="log", kind="Pod", verbs=("get",)),
    Subresource(name="portforward", kind="PodPortForwardOptions", verbs=("create", "get")),
)


def _kind(
    group: str,
    version: str,
    kind: str,
    plural: str,
    *,
    short: str = "",
    all_category: bool = False,
    namespaced: bool = True,
    status: bool = False,
    scale: bool = False,
    more: tuple[Subresource, ...] = (),
    names: NameRule = NameRule.DNS_SUBDOMAIN,
    verbs: tuple[str, ...] = OBJECT_VERBS,
) -> Resource:
    subresources = more
    if scale:
        subresources += (SCALE,)
    if status:
        subresources += (status_of(kind, group, version),)
    return Resource(
        group=group,
        version=version,
        kind=kind,
        plural=plural,
        singular=kind.lower(),
        collection=f"{plural}.{group}" if group else plural,
        storage_api_version=f"{group}/{version}" if group else version,
        namespaced=namespaced,
        short_names=tuple(short.split()),
        categories=("all",) if all_category else (),
        verbs=verbs,
        subresources=subresources,
        name_rule=names,
        scale=ScalePaths() if scale else None,
        shape=shape_of_kind(kind),
    )


def _events_v1() -> Resource:
    return Resource(
        group="events.k8s.io",
        version="v1",
        kind="Event",
        plural="events",
        singular="event",
        collection="events",
        storage_api_version="v1",
        short_names=("ev",),
        shape=shape_of_kind("Event"),
        view=View(from_storage=event_views.to_events_v1, to_storage=event_views.to_core_v1),
    )


_CREATE_ONLY = ("create",)
_LABEL, _SERVICE, _PATH = NameRule.DNS_LABEL, NameRule.DNS_1035_LABEL, NameRule.PATH_SEGMENT

BUILT_IN: tuple[Resource, ...] = (
    _kind("", "v1", "ConfigMap", "configmaps", short="cm"),
    _kind("", "v1", "Endpoints", "endpoints", short="ep"),
    _kind("", "v1", "Event", "events", short="ev"),
    _kind("", "v1", "LimitRange", "limitranges", short="limits"),
    _kind(
        "", "v1", "Namespace", "namespaces", short="ns", namespaced=False, status=True,
        names=_LABEL,
    ),
    _kind("", "v1", "Node", "nodes", short="no", namespaced=False, status=True),
    _kind(
        "", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", short="pvc", status=True
    ),
    _kind(
        "", "v1", "PersistentVolume", "persistentvolumes", short="pv", namespaced=False,
        status=True,
    ),
    _kind(
        "", "v1", "Pod", "pods", short="po", all_category=True, status=True,
        more=_POD_SUBRESOURCES,
    ),
    _kind("", "v1", "PodTemplate", "podtemplates"),
    _kind(
        "", "v1", "ReplicationController", "replicationcontrollers", short="rc",
        all_category=True, status=True, scale=True,
    ),
    _kind("", "v1", "ResourceQuota", "resourcequotas", short="quota", status=True),
    _kind("", "v1", "Secret", "secrets"),
    _kind("", "v1", "ServiceAccount", "serviceaccounts", short="sa"),
    _kind(
        "", "v1", "Service", "services", short="svc", all_category=True, status=True,
        names=_SERVICE,
    ),
    _kind(
        "apps", "v1", "ControllerRevision", "controllerrevisions",
    ),
    _kind(
        "apps", "v1", "DaemonSet", "daemonsets", short="ds", all_category=True, status=True
    ),
    _kind(
        "apps", "v1", "Deployment", "deployments", short="deploy", all_category=True,
        status=True, scale=True,
    ),
    _kind(
        "apps", "v1", "ReplicaSet", "replicasets", short="rs", all_category=True,
        status=True, scale=True,
    ),
    _kind(
        "apps", "v1", "StatefulSet", "statefulsets", short="sts", all_category=True,
        status=True, scale=True,
    ),
    _kind("batch", "v1", "CronJob", "cronjobs", short="cj", all_category=True, status=True),
    _kind("batch", "v1", "Job", "jobs", all_category=True, status=True),
    _kind(
        "admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicy",
        "validatingadmissionpolicies", namespaced=False, status=True,
    ),
    _kind(
        "admissionregistration.k8s.io", "v1", "ValidatingAdmissionPolicyBinding",
        "validatingadmissionpolicybindings", namespaced=False,
    ),
    _kind(
        "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions",
        short="crd crds", namespaced=False, status=True,
    ),
    _kind(
        "authentication.k8s.io", "v1", "SelfSubjectReview", "selfsubjectreviews",
        namespaced=False, verbs=_CREATE_ONLY,
    ),
    _kind(
        "authentication.k8s.io", "v1", "TokenReview", "tokenreviews", namespaced=False,
        verbs=_CREATE_ONLY,
    ),
    _kind(
        "authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews",
        namespaced=False, verbs=_CREATE_ONLY,
    ),
    _kind(
        "authorization.k8s.io", "v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews",
        namespaced=False, verbs=_CREATE_ONLY,
    ),
    _kind(
        "authorization.k8s.io", "v1", "SubjectAccessReview", "subjectaccessreviews",
        namespaced=False, verbs=_CREATE_ONLY,
    ),
    _kind("coordination.k8s.io", "v1", "Lease", "leases"),
    _kind("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
    _events_v1(),
    _kind("networking.k8s.io", "v1", "Ingress", "ingresses", short="ing", status=True),
    _kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", short="netpol"),
    _kind(
        "policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", short="pdb",
        status=True,
    ),
    _kind(
        "rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings",
        namespaced=False, names=_PATH,
    ),
    _kind(
        "rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", namespaced=False,
        names=_PATH,
    ),
    _kind("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", names=_PATH),
    _kind("rbac.authorization.k8s.io", "v1", "Role", "roles", names=_PATH),
    _kind(
        "scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", short="pc",
        namespaced=False,
    ),
    _kind(
        "storage.k8s.io", "v1", "StorageClass", "storageclasses", short="sc", namespaced=False
    ),
)  # fmt: skip
