"""Field numbers of the protobuf messages that kubectl sends.

The facts are those of the ``generated.proto`` files of k8s.io/api and k8s.io/apimachinery, and what
is a pointer in their Go types, for which a zero means something. Left out: exotic volumes, and
fields that only admission plugins of real clusters act on.

One message per paragraph: ``number name:type``. A type of none is a string; ``[]`` is a list,
``{}`` a map by string; ``?`` keeps a zero or empty value; the name ``.`` is a message whose fields
stand in its parent.
"""

MESSAGES = """
Namespace: 1 metadata:ObjectMeta, 2 spec:NamespaceSpec, 3 status:Ignored
NamespaceSpec: 1 finalizers:[]string
ObjectMeta: 1 name, 2 generateName, 3 namespace, 4 selfLink, 5 uid, 6 resourceVersion,
  7 generation:int, 8 creationTimestamp:Time, 9 deletionTimestamp:Time?,
  10 deletionGracePeriodSeconds:int?, 11 labels:{}string, 12 annotations:{}string,
  13 ownerReferences:[]OwnerReference, 14 finalizers:[]string, 17 managedFields:Ignored
OwnerReference: 5 apiVersion, 1 kind, 3 name, 4 uid, 6 controller:bool?,
  7 blockOwnerDeletion:bool?
ConfigMap: 1 metadata:ObjectMeta, 4 immutable:bool?, 2 data:{}string, 3 binaryData:{}bytes
Secret: 1 metadata:ObjectMeta, 5 immutable:bool?, 2 data:{}bytes, 4 stringData:{}string, 3 type
ServiceAccount: 1 metadata:ObjectMeta, 2 secrets:[]ObjectReference,
  3 imagePullSecrets:[]LocalObjectReference, 4 automountServiceAccountToken:bool?
LocalObjectReference: 1 name
ObjectReference: 1 kind, 2 namespace, 3 name, 4 uid, 5 apiVersion, 6 resourceVersion,
  7 fieldPath
Service: 1 metadata:ObjectMeta, 2 spec:ServiceSpec, 3 status:Ignored
ServiceSpec: 1 ports:[]ServicePort, 2 selector:{}string, 3 clusterIP, 18 clusterIPs:[]string,
  4 type, 5 externalIPs:[]string, 7 sessionAffinity, 8 loadBalancerIP,
  9 loadBalancerSourceRanges:[]string, 10 externalName, 11 externalTrafficPolicy,
  12 healthCheckNodePort:int, 13 publishNotReadyAddresses:bool, 19 ipFamilies:[]string,
  17 ipFamilyPolicy?, 20 allocateLoadBalancerNodePorts:bool?, 21 loadBalancerClass?,
  22 internalTrafficPolicy?, 23 trafficDistribution?
ServicePort: 1 name, 2 protocol, 6 appProtocol?, 3 port:int, 4 targetPort:IntOrString,
  5 nodePort:int
ResourceQuota: 1 metadata:ObjectMeta, 2 spec:ResourceQuotaSpec, 3 status:Ignored
ResourceQuotaSpec: 1 hard:{}Quantity, 2 scopes:[]string, 3 scopeSelector:ScopeSelector?
ScopeSelector: 1 matchExpressions:[]ScopedResourceSelectorRequirement
ScopedResourceSelectorRequirement: 1 scopeName, 2 operator, 3 values:[]string
Pod: 1 metadata:ObjectMeta, 2 spec:PodSpec, 3 status:Ignored
PodSpec: 1 volumes:[]Volume, 20 initContainers:[]Container, 2 containers:[]Container,
  3 restartPolicy, 4 terminationGracePeriodSeconds:int?, 5 activeDeadlineSeconds:int?,
  6 dnsPolicy, 7 nodeSelector:{}string, 8 serviceAccountName, 9 serviceAccount,
  21 automountServiceAccountToken:bool?, 10 nodeName, 11 hostNetwork:bool, 12 hostPID:bool,
  13 hostIPC:bool, 27 shareProcessNamespace:bool?, 14 securityContext:PodSecurityContext?,
  15 imagePullSecrets:[]LocalObjectReference, 16 hostname, 17 subdomain, 18 affinity:Affinity?,
  19 schedulerName, 22 tolerations:[]Toleration, 23 hostAliases:[]HostAlias,
  24 priorityClassName, 25 priority:int?, 26 dnsConfig:PodDNSConfig?,
  28 readinessGates:[]PodReadinessGate, 29 runtimeClassName?, 30 enableServiceLinks:bool?,
  31 preemptionPolicy?, 32 overhead:{}Quantity,
  33 topologySpreadConstraints:[]TopologySpreadConstraint, 37 hostUsers:bool?,
  38 schedulingGates:[]PodSchedulingGate, 40 resources:ResourceRequirements?
ResourceRequirements: 1 limits:{}Quantity, 2 requests:{}Quantity
PodSchedulingGate: 1 name
TopologySpreadConstraint: 1 maxSkew:int, 2 topologyKey, 3 whenUnsatisfiable,
  4 labelSelector:LabelSelector?, 5 minDomains:int?, 6 nodeAffinityPolicy?, 7 nodeTaintsPolicy?,
  8 matchLabelKeys:[]string
LabelSelector: 1 matchLabels:{}string, 2 matchExpressions:[]LabelSelectorRequirement
LabelSelectorRequirement: 1 key, 2 operator, 3 values:[]string
PodReadinessGate: 1 conditionType
PodDNSConfig: 1 nameservers:[]string, 2 searches:[]string, 3 options:[]PodDNSConfigOption
PodDNSConfigOption: 1 name, 2 value?
HostAlias: 1 ip, 2 hostnames:[]string
Toleration: 1 key, 2 operator, 3 value, 4 effect, 5 tolerationSeconds:int?
Affinity: 1 nodeAffinity:NodeAffinity?, 2 podAffinity:PodAffinity?,
  3 podAntiAffinity:PodAntiAffinity?
PodAntiAffinity: 1 requiredDuringSchedulingIgnoredDuringExecution:[]PodAffinityTerm,
  2 preferredDuringSchedulingIgnoredDuringExecution:[]WeightedPodAffinityTerm
WeightedPodAffinityTerm: 1 weight:int, 2 podAffinityTerm:PodAffinityTerm
PodAffinityTerm: 1 labelSelector:LabelSelector?, 2 namespaces:[]string, 3 topologyKey,
  4 namespaceSelector:LabelSelector?, 5 matchLabelKeys:[]string, 6 mismatchLabelKeys:[]string
PodAffinity: 1 requiredDuringSchedulingIgnoredDuringExecution:[]PodAffinityTerm,
  2 preferredDuringSchedulingIgnoredDuringExecution:[]WeightedPodAffinityTerm
NodeAffinity: 1 requiredDuringSchedulingIgnoredDuringExecution:NodeSelector?,
  2 preferredDuringSchedulingIgnoredDuringExecution:[]PreferredSchedulingTerm
PreferredSchedulingTerm: 1 weight:int, 2 preference:NodeSelectorTerm
NodeSelectorTerm: 1 matchExpressions:[]NodeSelectorRequirement,
  2 matchFields:[]NodeSelectorRequirement
NodeSelectorRequirement: 1 key, 2 operator, 3 values:[]string
NodeSelector: 1 nodeSelectorTerms:[]NodeSelectorTerm
PodSecurityContext: 2 runAsUser:int?, 6 runAsGroup:int?, 3 runAsNonRoot:bool?,
  4 supplementalGroups:[]int, 12 supplementalGroupsPolicy?, 5 fsGroup:int?, 7 sysctls:[]Sysctl,
  9 fsGroupChangePolicy?, 10 seccompProfile:SeccompProfile?
SeccompProfile: 1 type, 2 localhostProfile?
Sysctl: 1 name, 2 value
Container: 1 name, 2 image, 3 command:[]string, 4 args:[]string, 5 workingDir,
  6 ports:[]ContainerPort, 19 envFrom:[]EnvFromSource, 7 env:[]EnvVar,
  8 resources:ResourceRequirements, 24 restartPolicy?, 9 volumeMounts:[]VolumeMount,
  21 volumeDevices:[]VolumeDevice, 10 livenessProbe:Probe?, 11 readinessProbe:Probe?,
  22 startupProbe:Probe?, 12 lifecycle:Lifecycle?, 13 terminationMessagePath,
  20 terminationMessagePolicy, 14 imagePullPolicy, 15 securityContext:SecurityContext?,
  16 stdin:bool, 17 stdinOnce:bool, 18 tty:bool
SecurityContext: 1 capabilities:Capabilities?, 2 privileged:bool?, 4 runAsUser:int?,
  8 runAsGroup:int?, 5 runAsNonRoot:bool?, 6 readOnlyRootFilesystem:bool?,
  7 allowPrivilegeEscalation:bool?, 11 seccompProfile:SeccompProfile?
Capabilities: 1 add:[]string, 2 drop:[]string
Lifecycle: 1 postStart:LifecycleHandler?, 2 preStop:LifecycleHandler?, 3 stopSignal?
LifecycleHandler: 1 exec:ExecAction?, 2 httpGet:HTTPGetAction?, 3 tcpSocket:TCPSocketAction?,
  4 sleep:SleepAction?
SleepAction: 1 seconds:int
TCPSocketAction: 1 port:IntOrString, 2 host
HTTPGetAction: 1 path, 2 port:IntOrString, 3 host, 4 scheme, 5 httpHeaders:[]HTTPHeader
HTTPHeader: 1 name, 2 value
ExecAction: 1 command:[]string
Probe: 1 .:ProbeHandler, 2 initialDelaySeconds:int, 3 timeoutSeconds:int, 4 periodSeconds:int,
  5 successThreshold:int, 6 failureThreshold:int, 7 terminationGracePeriodSeconds:int?
ProbeHandler: 1 exec:ExecAction?, 2 httpGet:HTTPGetAction?, 3 tcpSocket:TCPSocketAction?,
  4 grpc:GRPCAction?
GRPCAction: 1 port:int, 2 service?
VolumeDevice: 1 name, 2 devicePath
VolumeMount: 1 name, 2 readOnly:bool, 7 recursiveReadOnly?, 3 mountPath, 4 subPath,
  5 mountPropagation?, 6 subPathExpr
EnvVar: 1 name, 2 value, 3 valueFrom:EnvVarSource?
EnvVarSource: 1 fieldRef:ObjectFieldSelector?, 2 resourceFieldRef:ResourceFieldSelector?,
  3 configMapKeyRef:ConfigMapKeySelector?, 4 secretKeyRef:SecretKeySelector?
SecretKeySelector: 1 .:LocalObjectReference, 2 key, 3 optional:bool?
ConfigMapKeySelector: 1 .:LocalObjectReference, 2 key, 3 optional:bool?
ResourceFieldSelector: 1 containerName, 2 resource, 3 divisor:Quantity
ObjectFieldSelector: 1 apiVersion, 2 fieldPath
EnvFromSource: 1 prefix, 2 configMapRef:ConfigMapEnvSource?, 3 secretRef:SecretEnvSource?
SecretEnvSource: 1 .:LocalObjectReference, 2 optional:bool?
ConfigMapEnvSource: 1 .:LocalObjectReference, 2 optional:bool?
ContainerPort: 1 name, 2 hostPort:int, 3 containerPort:int, 4 protocol, 5 hostIP
Volume: 1 name, 2 .:VolumeSource
VolumeSource: 1 hostPath:HostPathVolumeSource?, 2 emptyDir:EmptyDirVolumeSource?,
  6 secret:SecretVolumeSource?, 7 nfs:NFSVolumeSource?,
  10 persistentVolumeClaim:PersistentVolumeClaimVolumeSource?,
  16 downwardAPI:DownwardAPIVolumeSource?, 19 configMap:ConfigMapVolumeSource?,
  26 projected:ProjectedVolumeSource?, 30 image:ImageVolumeSource?
ImageVolumeSource: 1 reference, 2 pullPolicy
ProjectedVolumeSource: 1 sources:[]VolumeProjection, 2 defaultMode:int?
VolumeProjection: 1 secret:SecretProjection?, 2 downwardAPI:DownwardAPIProjection?,
  3 configMap:ConfigMapProjection?, 4 serviceAccountToken:ServiceAccountTokenProjection?
ServiceAccountTokenProjection: 1 audience, 2 expirationSeconds:int?, 3 path
ConfigMapProjection: 1 .:LocalObjectReference, 2 items:[]KeyToPath, 4 optional:bool?
KeyToPath: 1 key, 2 path, 3 mode:int?
DownwardAPIProjection: 1 items:[]DownwardAPIVolumeFile
DownwardAPIVolumeFile: 1 path, 2 fieldRef:ObjectFieldSelector?,
  3 resourceFieldRef:ResourceFieldSelector?, 4 mode:int?
SecretProjection: 1 .:LocalObjectReference, 2 items:[]KeyToPath, 4 optional:bool?
ConfigMapVolumeSource: 1 .:LocalObjectReference, 2 items:[]KeyToPath, 3 defaultMode:int?,
  4 optional:bool?
DownwardAPIVolumeSource: 1 items:[]DownwardAPIVolumeFile, 2 defaultMode:int?
PersistentVolumeClaimVolumeSource: 1 claimName, 2 readOnly:bool
NFSVolumeSource: 1 server, 2 path, 3 readOnly:bool
SecretVolumeSource: 1 secretName, 2 items:[]KeyToPath, 3 defaultMode:int?, 4 optional:bool?
EmptyDirVolumeSource: 1 medium, 2 sizeLimit:Quantity?
HostPathVolumeSource: 1 path, 2 type?
Deployment: 1 metadata:ObjectMeta, 2 spec:DeploymentSpec, 3 status:Ignored
DeploymentSpec: 1 replicas:int?, 2 selector:LabelSelector?, 3 template:PodTemplateSpec,
  4 strategy:DeploymentStrategy, 5 minReadySeconds:int, 6 revisionHistoryLimit:int?,
  7 paused:bool, 9 progressDeadlineSeconds:int?
DeploymentStrategy: 1 type, 2 rollingUpdate:RollingUpdateDeployment?
RollingUpdateDeployment: 1 maxUnavailable:IntOrString?, 2 maxSurge:IntOrString?
PodTemplateSpec: 1 metadata:ObjectMeta, 2 spec:PodSpec
Job: 1 metadata:ObjectMeta, 2 spec:JobSpec, 3 status:Ignored
JobSpec: 1 parallelism:int?, 2 completions:int?, 3 activeDeadlineSeconds:int?,
  7 backoffLimit:int?, 12 backoffLimitPerIndex:int?, 13 maxFailedIndexes:int?,
  4 selector:LabelSelector?, 5 manualSelector:bool?, 6 template:PodTemplateSpec,
  8 ttlSecondsAfterFinished:int?, 9 completionMode?, 10 suspend:bool?, 14 podReplacementPolicy?,
  15 managedBy?
CronJob: 1 metadata:ObjectMeta, 2 spec:CronJobSpec, 3 status:Ignored
CronJobSpec: 1 schedule, 8 timeZone?, 2 startingDeadlineSeconds:int?, 3 concurrencyPolicy,
  4 suspend:bool?, 5 jobTemplate:JobTemplateSpec, 6 successfulJobsHistoryLimit:int?,
  7 failedJobsHistoryLimit:int?
JobTemplateSpec: 1 metadata:ObjectMeta, 2 spec:JobSpec
Role: 1 metadata:ObjectMeta, 2 rules:[]PolicyRule
PolicyRule: 1 verbs:[]string, 2 apiGroups:[]string, 3 resources:[]string,
  4 resourceNames:[]string, 5 nonResourceURLs:[]string
RoleBinding: 1 metadata:ObjectMeta, 2 subjects:[]Subject, 3 roleRef:RoleRef
RoleRef: 1 apiGroup, 2 kind, 3 name
Subject: 1 kind, 2 apiGroup, 3 name, 4 namespace
ClusterRole: 1 metadata:ObjectMeta, 2 rules:[]PolicyRule, 3 aggregationRule:AggregationRule?
AggregationRule: 1 clusterRoleSelectors:[]LabelSelector
ClusterRoleBinding: 1 metadata:ObjectMeta, 2 subjects:[]Subject, 3 roleRef:RoleRef
PodDisruptionBudget: 1 metadata:ObjectMeta, 2 spec:PodDisruptionBudgetSpec, 3 status:Ignored
PodDisruptionBudgetSpec: 1 minAvailable:IntOrString?, 2 selector:LabelSelector?,
  3 maxUnavailable:IntOrString?, 4 unhealthyPodEvictionPolicy?
Eviction: 1 metadata:ObjectMeta, 2 deleteOptions:DeleteOptions?
DeleteOptions: 1 gracePeriodSeconds:int?, 2 preconditions:Preconditions?,
  3 orphanDependents:bool?, 4 propagationPolicy?, 5 dryRun:[]string,
  6 ignoreStoreReadErrorWithClusterBreakingPotential:Ignored
Preconditions: 1 uid?, 2 resourceVersion?
HorizontalPodAutoscaler: 1 metadata:ObjectMeta, 2 spec:HorizontalPodAutoscalerSpec,
  3 status:Ignored
HorizontalPodAutoscalerSpec: 1 scaleTargetRef:CrossVersionObjectReference, 2 minReplicas:int?,
  3 maxReplicas:int, 4 metrics:[]MetricSpec, 5 behavior:HorizontalPodAutoscalerBehavior?
HorizontalPodAutoscalerBehavior: 1 scaleUp:HPAScalingRules?, 2 scaleDown:HPAScalingRules?
HPAScalingRules: 3 stabilizationWindowSeconds:int?, 1 selectPolicy?,
  2 policies:[]HPAScalingPolicy, 4 tolerance:Quantity?
HPAScalingPolicy: 1 type, 2 value:int, 3 periodSeconds:int
MetricSpec: 1 type, 2 object:ObjectMetricSource?, 3 pods:PodsMetricSource?,
  4 resource:ResourceMetricSource?, 7 containerResource:ContainerResourceMetricSource?,
  5 external:ExternalMetricSource?
ExternalMetricSource: 1 metric:MetricIdentifier, 2 target:MetricTarget
MetricTarget: 1 type, 2 value:Quantity?, 3 averageValue:Quantity?, 4 averageUtilization:int?
MetricIdentifier: 1 name, 2 selector:LabelSelector?
ContainerResourceMetricSource: 1 name, 2 target:MetricTarget, 3 container
ResourceMetricSource: 1 name, 2 target:MetricTarget
PodsMetricSource: 1 metric:MetricIdentifier, 2 target:MetricTarget
ObjectMetricSource: 1 describedObject:CrossVersionObjectReference, 2 target:MetricTarget,
  3 metric:MetricIdentifier
CrossVersionObjectReference: 1 kind, 2 name, 3 apiVersion
Ingress: 1 metadata:ObjectMeta, 2 spec:IngressSpec, 3 status:Ignored
IngressSpec: 4 ingressClassName?, 1 defaultBackend:IngressBackend?, 2 tls:[]IngressTLS,
  3 rules:[]IngressRule
IngressRule: 1 host, 2 .:IngressRuleValue
IngressRuleValue: 1 http:HTTPIngressRuleValue?
HTTPIngressRuleValue: 1 paths:[]HTTPIngressPath
HTTPIngressPath: 1 path, 3 pathType?, 2 backend:IngressBackend
IngressBackend: 4 service:IngressServiceBackend?, 3 resource:TypedLocalObjectReference?
TypedLocalObjectReference: 1 apiGroup?, 2 kind, 3 name
IngressServiceBackend: 1 name, 2 port:ServiceBackendPort
ServiceBackendPort: 1 name, 2 number:int
IngressTLS: 1 hosts:[]string, 2 secretName
PriorityClass: 1 metadata:ObjectMeta, 2 value:int, 3 globalDefault:bool, 4 description,
  5 preemptionPolicy?
SelfSubjectAccessReview: 1 metadata:ObjectMeta, 2 spec:SelfSubjectAccessReviewSpec,
  3 status:Ignored
SelfSubjectAccessReviewSpec: 1 resourceAttributes:ResourceAttributes?,
  2 nonResourceAttributes:NonResourceAttributes?
NonResourceAttributes: 1 path, 2 verb
ResourceAttributes: 1 namespace, 2 verb, 3 group, 4 version, 5 resource, 6 subresource, 7 name
SelfSubjectRulesReview: 1 metadata:ObjectMeta, 2 spec:SelfSubjectRulesReviewSpec,
  3 status:Ignored
SelfSubjectRulesReviewSpec: 1 namespace
SelfSubjectReview: 1 metadata:ObjectMeta, 2 status:Ignored
TokenRequest: 1 metadata:ObjectMeta, 2 spec:TokenRequestSpec, 3 status:Ignored
TokenRequestSpec: 1 audiences:[]string, 4 expirationSeconds:int?,
  3 boundObjectRef:BoundObjectReference?
BoundObjectReference: 1 kind, 2 apiVersion, 3 name, 4 uid
"""
