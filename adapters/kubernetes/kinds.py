"""The kinds of objects Moorage reads and writes, and their paths."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One resource of the Kubernetes API; ``group`` is "" for the core group."""

    group: str
    version: str
    name: str
    plural: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The URL path of a collection, an object or its subresource."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        scope = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        tail = "".join(f"/{part}" for part in (name, subresource) if part)
        return f"{root}{scope}/{self.plural}{tail}"


WORKSPACE = Kind(group="kaito.sh", version="v1beta1", name="Workspace", plural="workspaces")
NODE_CLAIM = Kind(
    group="karpenter.sh", version="v1", name="NodeClaim", plural="nodeclaims", namespaced=False
)
MACHINE = Kind(
    group="karpenter.sh", version="v1alpha5", name="Machine", plural="machines", namespaced=False
)
NODE_POOL = Kind(
    group="karpenter.sh", version="v1", name="NodePool", plural="nodepools", namespaced=False
)
NODE = Kind(group="", version="v1", name="Node", plural="nodes", namespaced=False)
POD = Kind(group="", version="v1", name="Pod", plural="pods")
SERVICE = Kind(group="", version="v1", name="Service", plural="services")
EVENT = Kind(group="", version="v1", name="Event", plural="events")
STATEFUL_SET = Kind(group="apps", version="v1", name="StatefulSet", plural="statefulsets")
DAEMON_SET = Kind(group="apps", version="v1", name="DaemonSet", plural="daemonsets")
DEPLOYMENT = Kind(group="apps", version="v1", name="Deployment", plural="deployments")
ACCESS_REVIEW = Kind(
    group="authorization.k8s.io",
    version="v1",
    name="SelfSubjectAccessReview",
    plural="selfsubjectaccessreviews",
    namespaced=False,
)
CRD = Kind(
    group="apiextensions.k8s.io",
    version="v1",
    name="CustomResourceDefinition",
    plural="customresourcedefinitions",
    namespaced=False,
)
ADMISSION_POLICY = Kind(
    group="admissionregistration.k8s.io",
    version="v1",
    name="ValidatingAdmissionPolicy",
    plural="validatingadmissionpolicies",
    namespaced=False,
)
ADMISSION_BINDING = Kind(
    group="admissionregistration.k8s.io",
    version="v1",
    name="ValidatingAdmissionPolicyBinding",
    plural="validatingadmissionpolicybindings",
    namespaced=False,
)
