"""Defaults of built-in kinds that clients and controllers rely on (pkg/apis/*/v1/defaults.go).

Each function fills a private copy in place.
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from simulator.kubernetes.status import Object


def apply(collection: str, obj: Object) -> None:
    default = _DEFAULTS.get(collection)
    if default is not None:
        default(obj)


def _fill(target: Object, values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if target.get(key) is None:
            target[key] = dict(value) if isinstance(value, dict) else value


def _section(obj: Object, name: str) -> Object:
    section = obj.get(name)
    if not isinstance(section, dict):
        section = obj[name] = {}
    return section


def _objects(parent: Object, name: str) -> Iterator[Object]:
    return (item for item in parent.get(name) or () if isinstance(item, dict))


def _pod(pod: Object) -> None:
    pod_spec(_section(pod, "spec"))
    spec = pod["spec"]
    _fill(spec, {"enableServiceLinks": True, "preemptionPolicy": "PreemptLowerPriority"})
    _fill(spec, {"priority": 0, "serviceAccountName": "default"})
    _fill(spec, {"serviceAccount": spec["serviceAccountName"]})


def pod_spec(spec: Object) -> None:
    _fill(
        spec,
        {
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
            "securityContext": {},
            "schedulerName": "default-scheduler",
        },
    )
    for container in (*_objects(spec, "initContainers"), *_objects(spec, "containers")):
        _container(container)
    for volume in _objects(spec, "volumes"):
        _volume(volume)


def _container(container: Object) -> None:
    image = str(container.get("image", ""))
    _fill(
        container,
        {
            "imagePullPolicy": "Always" if _is_latest(image) else "IfNotPresent",
            "resources": {},
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
        },
    )
    for port in _objects(container, "ports"):
        _fill(port, {"protocol": "TCP"})
    for variable in _objects(container, "env"):
        reference = (variable.get("valueFrom") or {}).get("fieldRef")
        if isinstance(reference, dict):
            _fill(reference, {"apiVersion": "v1"})
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if isinstance(container.get(probe), dict):
            _probe(container[probe])
    resources = _section(container, "resources")
    for name, quantity in (resources.get("limits") or {}).items():
        _section(resources, "requests").setdefault(name, quantity)


def _is_latest(image: str) -> bool:
    _, colon, tag = image.rpartition("/")[2].partition(":")
    return "@" not in image and (not colon or tag == "latest")


def _probe(probe: Object) -> None:
    _fill(
        probe,
        {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
    )
    if isinstance(probe.get("httpGet"), dict):
        _fill(probe["httpGet"], {"path": "/", "scheme": "HTTP"})
    if isinstance(probe.get("grpc"), dict):
        _fill(probe["grpc"], {"service": ""})


_FILE_MODE = 0o644


def _volume(volume: Object) -> None:
    if not set(volume) - {"name"}:
        volume["emptyDir"] = {}
    for source in ("configMap", "secret", "downwardAPI", "projected"):
        if isinstance(volume.get(source), dict):
            _fill(volume[source], {"defaultMode": _FILE_MODE})
    if isinstance(volume.get("hostPath"), dict):
        _fill(volume["hostPath"], {"type": ""})


def _template(owner: Object) -> None:
    spec = _section(owner, "spec")
    pod_spec(_section(_section(spec, "template"), "spec"))


def _deployment(deployment: Object) -> None:
    _template(deployment)
    spec = deployment["spec"]
    _fill(
        spec,
        {
            "replicas": 1,
            "strategy": {},
            "revisionHistoryLimit": 10,
            "progressDeadlineSeconds": 600,
        },
    )
    _rolling(spec["strategy"], {"maxUnavailable": "25%", "maxSurge": "25%"})


def _rolling(strategy: Object, parameters: Mapping[str, Any]) -> None:
    _fill(strategy, {"type": "RollingUpdate"})
    if strategy["type"] == "RollingUpdate":
        _fill(_section(strategy, "rollingUpdate"), parameters)


def _stateful_set(stateful_set: Object) -> None:
    _template(stateful_set)
    spec = stateful_set["spec"]
    _fill(
        spec,
        {
            "replicas": 1,
            "podManagementPolicy": "OrderedReady",
            "revisionHistoryLimit": 10,
            "updateStrategy": {},
            "persistentVolumeClaimRetentionPolicy": {},
        },
    )
    _fill(spec["persistentVolumeClaimRetentionPolicy"], {"whenDeleted": "Retain"})
    _fill(spec["persistentVolumeClaimRetentionPolicy"], {"whenScaled": "Retain"})
    _rolling(spec["updateStrategy"], {"partition": 0})
    for claim in _objects(spec, "volumeClaimTemplates"):
        _fill(claim, {"apiVersion": "v1", "kind": "PersistentVolumeClaim"})
        _fill(claim, {"status": {"phase": "Pending"}})
        _claim(claim)


def _daemon_set(daemon_set: Object) -> None:
    _template(daemon_set)
    spec = daemon_set["spec"]
    _fill(spec, {"revisionHistoryLimit": 10, "updateStrategy": {}})
    _rolling(spec["updateStrategy"], {"maxUnavailable": 1, "maxSurge": 0})


def _replica_set(replica_set: Object) -> None:
    _template(replica_set)
    _fill(replica_set["spec"], {"replicas": 1})


def _job(job: Object) -> None:
    _template(job)
    spec = job["spec"]
    if spec.get("completions") is None and spec.get("parallelism") is None:
        _fill(spec, {"completions": 1})
    _fill(
        spec,
        {
            "parallelism": 1,
            "backoffLimit": 6,
            "completionMode": "NonIndexed",
            "suspend": False,
            "podReplacementPolicy": "TerminatingOrFailed",
        },
    )
    _job_selector(job)


def _job_selector(job: Object) -> None:
    """Jobs select their pods by their own uid, unless told otherwise (pkg/registry/batch/job)."""
    uid = job.get("metadata", {}).get("uid")
    spec = job["spec"]
    if uid is None or spec.get("manualSelector"):
        return
    labels = _section(_section(spec["template"], "metadata"), "labels")
    name = job["metadata"]["name"]
    own = {"batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": name}
    _fill(labels, {**own, "controller-uid": uid, "job-name": name})
    _fill(spec, {"selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}})


def _cron_job(cron_job: Object) -> None:
    _fill(
        _section(cron_job, "spec"),
        {
            "concurrencyPolicy": "Allow",
            "suspend": False,
            "successfulJobsHistoryLimit": 3,
            "failedJobsHistoryLimit": 1,
        },
    )


def _service(service: Object) -> None:
    spec = _section(service, "spec")
    _fill(spec, {"type": "ClusterIP", "sessionAffinity": "None"})
    for port in _objects(spec, "ports"):
        _fill(port, {"protocol": "TCP"})
        _fill(port, {"targetPort": port.get("port")})
    if spec["type"] in {"NodePort", "LoadBalancer"}:
        _fill(spec, {"externalTrafficPolicy": "Cluster"})
    if spec["type"] == "LoadBalancer":
        _fill(spec, {"allocateLoadBalancerNodePorts": True})


def _endpoints(endpoints: Object) -> None:
    for subset in _objects(endpoints, "subsets"):
        for port in _objects(subset, "ports"):
            _fill(port, {"protocol": "TCP"})


def _endpoint_slice(endpoint_slice: Object) -> None:
    for port in _objects(endpoint_slice, "ports"):
        _fill(port, {"name": "", "protocol": "TCP"})


def _claim(claim: Object) -> None:
    _fill(_section(claim, "spec"), {"volumeMode": "Filesystem"})


def _volume_object(volume: Object) -> None:
    _fill(
        _section(volume, "spec"),
        {"volumeMode": "Filesystem", "persistentVolumeReclaimPolicy": "Retain"},
    )


def _storage_class(storage_class: Object) -> None:
    _fill(storage_class, {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"})


def _secret(secret: Object) -> None:
    _fill(secret, {"type": "Opaque"})
    _write_string_data(secret)


def _write_string_data(secret: Object) -> None:
    texts = secret.pop("stringData", None)
    for key, text in (texts or {}).items():
        _section(secret, "data")[key] = b64encode(str(text).encode()).decode()


def _namespace(namespace: Object) -> None:
    _fill(_section(namespace, "spec"), {"finalizers": ["kubernetes"]})
    name = namespace["metadata"].get("name")
    if name:
        _section(namespace["metadata"], "labels")["kubernetes.io/metadata.name"] = name


def _node(node: Object) -> None:
    status = node.get("status")
    if isinstance(status, dict) and status.get("capacity"):
        _fill(status, {"allocatable": status["capacity"]})
    _section(node, "spec")


def _policy(policy: Object) -> None:
    spec = _section(policy, "spec")
    _fill(spec, {"failurePolicy": "Fail"})
    _match_constraints(_section(spec, "matchConstraints"))


def _policy_binding(binding: Object) -> None:
    match = _section(binding, "spec").get("matchResources")
    if isinstance(match, dict):
        _match_constraints(match)


def _match_constraints(match: Object) -> None:
    _fill(match, {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}})
    for rule in _objects(match, "resourceRules"):
        _fill(rule, {"scope": "*"})


def _event(event: Object) -> None:
    _fill(event, {"source": {}})


def _definition(definition: Object) -> None:
    spec = _section(definition, "spec")
    names = _section(spec, "names")
    kind = str(names.get("kind", ""))
    _fill(names, {"singular": kind.lower(), "listKind": f"{kind}List"})
    _fill(spec, {"conversion": {"strategy": "None"}})


_DEFAULTS: Mapping[str, Callable[[Object], None]] = {
    "cronjobs.batch": _cron_job,
    "customresourcedefinitions.apiextensions.k8s.io": _definition,
    "daemonsets.apps": _daemon_set,
    "deployments.apps": _deployment,
    "endpoints": _endpoints,
    "endpointslices.discovery.k8s.io": _endpoint_slice,
    "events": _event,
    "jobs.batch": _job,
    "namespaces": _namespace,
    "nodes": _node,
    "persistentvolumeclaims": _claim,
    "persistentvolumes": _volume_object,
    "pods": _pod,
    "replicasets.apps": _replica_set,
    "replicationcontrollers": _replica_set,
    "secrets": _secret,
    "services": _service,
    "statefulsets.apps": _stateful_set,
    "storageclasses.storage.k8s.io": _storage_class,
    "validatingadmissionpolicies.admissionregistration.k8s.io": _policy,
    "validatingadmissionpolicybindings.admissionregistration.k8s.io": _policy_binding,
}
