"""The structural schema of a Workspace: KAITO's fields, our status, and our rules in CEL.

The rules are those of ``engine.validation``, and the names those of the engine's catalogue, so
that kubectl and gRPC refuse the same things.
"""

from typing import Any

from engine.instance_types import INSTANCE_TYPES
from engine.phase import Phase
from engine.presets import PRESETS
from engine.validation import MAX_ADAPTERS, MAX_NAME_LENGTH
from engine.workspace import AccessMode

Object = dict[str, Any]

MAX_TEXT = 253
MAX_ITEMS = 64


def _text(description: str, **more: Any) -> Object:
    return {"type": "string", "description": description, **more}


def _texts(description: str) -> Object:
    return {
        "type": "array",
        "description": description,
        "items": {"type": "string"},
        "maxItems": MAX_ITEMS,
    }


def _record(description: str, properties: Object, **more: Any) -> Object:
    return {"type": "object", "description": description, "properties": properties, **more}


def _free_form(description: str) -> Object:
    return {
        "type": "object",
        "description": description,
        "x-kubernetes-preserve-unknown-fields": True,
    }


def _one_of(values: list[str]) -> str:
    return "[" + ", ".join(f"'{value.lower()}'" for value in values) + "]"


def _rule(rule: str, message: str, field: str = "", expression: str = "") -> Object:
    made: Object = {"rule": rule, "message": message}
    if field:
        made["fieldPath"] = field
    if expression:
        made["messageExpression"] = expression
    return made


def _catalogue_rule(field: str, names: list[str], noun: str) -> Object:
    supported = ", ".join(names)
    return _rule(
        f"self.{field}.lowerAscii() in {_one_of(names)}",
        f"unsupported {noun}; supported: {supported}",
        f".{field}",
        f"'unsupported {noun} \"' + self.{field} + '\"; supported: {supported}'",
    )


def _kept(field: str) -> Object:
    return _rule(
        f"has(self.{field}) == has(oldSelf.{field}) && "
        f"(!has(self.{field}) || self.{field} == oldSelf.{field})",
        "cannot be changed: create another workspace",
        f".{field}",
    )


def _resource(default_instance_type: str) -> Object:
    instance_type = _text(
        "Machine to provision for each node; `moorage instance-types` lists them.",
        maxLength=MAX_TEXT,
    )
    if default_instance_type:
        instance_type["default"] = default_instance_type
    return _record(
        "The nodes that the workspace runs on.",
        {
            "count": {
                "type": "integer",
                "description": "Nodes asked for; inference presets are sized by Moorage.",
                "default": 1,
                "minimum": 1,
            },
            "instanceType": instance_type,
            "labelSelector": _record(
                "Labels that the nodes carry.",
                {
                    "matchLabels": {
                        "type": "object",
                        "additionalProperties": {"type": "string", "maxLength": MAX_TEXT},
                        "maxProperties": MAX_ITEMS,
                    },
                    "matchExpressions": {
                        "type": "array",
                        "maxItems": MAX_ITEMS,
                        "items": _record(
                            "One requirement; only In with a single value.",
                            {
                                "key": {"type": "string"},
                                "operator": {"type": "string", "enum": ["In"]},
                                "values": {
                                    "type": "array",
                                    "items": {"type": "string"},
                                    "minItems": 1,
                                    "maxItems": 1,
                                },
                            },
                            required=["key", "operator", "values"],
                        ),
                    },
                },
            ),
            "preferredNodes": _texts("Names of nodes to use first."),
        },
        **{
            "x-kubernetes-validations": [
                _rule(
                    "has(self.instanceType) && self.instanceType != ''",
                    "is required: nodes are provisioned for each workspace",
                    ".instanceType",
                ),
                _rule(
                    "!has(self.instanceType) || self.instanceType == '' || "
                    f"self.instanceType.lowerAscii() in {_one_of(list(INSTANCE_TYPES))}",
                    "unsupported instance type; supported: " + ", ".join(INSTANCE_TYPES),
                    ".instanceType",
                ),
                *(_kept(field) for field in ("count", "instanceType", "labelSelector")),
            ]
        },
    )


def _preset(description: str) -> Object:
    return _record(
        description,
        {
            "name": _text(
                "Name in the catalogue; `moorage presets` lists them.", maxLength=MAX_TEXT
            ),
            "accessMode": _text(
                "Whether the weights are public, or in an image of yours.",
                enum=[mode.value for mode in AccessMode],
                default=AccessMode.PUBLIC.value,
            ),
            "presetOptions": _record(
                "Where private weights come from.",
                {
                    "image": _text("Image that holds the weights."),
                    "imagePullSecrets": _texts("Secrets to pull that image with."),
                    "modelAccessSecret": _text("Secret with the key HF_TOKEN."),
                },
            ),
        },
        required=["name"],
        **{"x-kubernetes-validations": [_catalogue_rule("name", list(PRESETS), "preset")]},
    )


def _source(description: str) -> Object:
    return _record(
        description,
        {
            "name": _text("Name by which the source is known.", maxLength=MAX_TEXT),
            "urls": _texts("Files to download."),
            "image": _text("Image that holds the data.", maxLength=1024),
            "imagePullSecrets": _texts("Secrets to pull the image with."),
            "volumeSource": _free_form("A core/v1 VolumeSource."),
        },
    )


_ONE_SOURCE = (
    "(has(self.urls) && size(self.urls) > 0 ? 1 : 0) + "
    "(has(self.image) && self.image != '' ? 1 : 0) + (has(self.volumeSource) ? 1 : 0) == 1"
)


def _adapter() -> Object:
    source = _source("Where the adapter comes from.")
    source["x-kubernetes-validations"] = [
        _rule(
            "has(self.name) && self.name.matches("
            "'^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')",
            "name is not a DNS-1123 subdomain",
        ),
        _rule("!has(self.urls)", "adapters come from an image or a volume, not from URLs"),
        _rule(_ONE_SOURCE, "set exactly one of image and volumeSource"),
    ]
    return _record(
        "A LoRA adapter, applied with a strength.",
        {
            "source": source,
            "strength": _text(
                "From 0 (the base model) to 1 (the full adapter).",
                default="1.0",
                maxLength=32,
                **{
                    "x-kubernetes-validations": [
                        _rule(
                            "self.matches('^[0-9]*[.]?[0-9]+([eE]-?[0-9]+)?$') && "
                            "double(self) <= 1.0",
                            "is not a number from 0 to 1",
                            expression="'\"' + self + '\" is not a number from 0 to 1'",
                        )
                    ]
                },
            ),
        },
        required=["source"],
    )


def _inference() -> Object:
    return _record(
        "Serve a model.",
        {
            "preset": _preset("A model of the catalogue."),
            "template": _free_form("A core/v1 PodTemplateSpec; not served yet."),
            "config": _text("ConfigMap of this namespace, with the key inference_config.yaml."),
            "adapters": {
                "type": "array",
                "description": "LoRA adapters, each chosen by its name as the model.",
                "maxItems": MAX_ADAPTERS,
                "items": _adapter(),
                "x-kubernetes-validations": [
                    _rule(
                        "self.all(a, self.exists_one(b, b.source.name == a.source.name))",
                        "duplicate adapter name",
                    )
                ],
            },
        },
        **{
            "x-kubernetes-validations": [
                _rule(
                    "has(self.preset) != has(self.template)",
                    "set either preset or template, not both and not neither",
                    ".preset",
                ),
                _kept("preset"),
            ]
        },
    )


def _tuning() -> Object:
    source = _source("Training data.")
    source["x-kubernetes-validations"] = [
        _rule(_ONE_SOURCE, "set exactly one of urls, image and volumeSource")
    ]
    return _record(
        "Fine-tune a model.",
        {
            "preset": _preset("The model to tune."),
            "method": _text("lora or qlora.", maxLength=16),
            "config": _text("ConfigMap of this namespace, with the key training_config.yaml."),
            "input": source,
            "output": _record(
                "Where the result goes.",
                {
                    "image": _text("Image to push.", maxLength=1024),
                    "imagePushSecret": _text("Secret to push it with."),
                    "volumeSource": _free_form("A core/v1 VolumeSource."),
                },
                **{
                    "x-kubernetes-validations": [
                        _rule(
                            "(has(self.image) && self.image != '') != has(self.volumeSource)",
                            "set exactly one of image and volumeSource",
                        ),
                        _rule(
                            "!has(self.image) || self.image == '' || "
                            "(has(self.imagePushSecret) && self.imagePushSecret != '')",
                            "imagePushSecret is required to push the image",
                        ),
                    ]
                },
            ),
        },
        required=["preset", "method", "input", "output"],
        **{
            "x-kubernetes-validations": [
                _rule(
                    "self.method.lowerAscii() in ['lora', 'qlora']",
                    "is neither lora nor qlora",
                    ".method",
                ),
                _kept("preset"),
                _kept("method"),
            ]
        },
    )


def _moment(description: str) -> Object:
    return {**_text(description), "format": "date-time"}


def _condition() -> Object:
    return _record(
        "A metav1.Condition.",
        {
            "type": {"type": "string"},
            "status": {"type": "string", "enum": ["True", "False", "Unknown"]},
            "reason": {"type": "string"},
            "message": {"type": "string"},
            "lastTransitionTime": _moment("When the status last changed."),
            "observedGeneration": {"type": "integer", "format": "int64"},
        },
        required=["type", "status", "reason", "message", "lastTransitionTime"],
    )


def _status() -> Object:
    phase = {"type": "string", "enum": [phase.value for phase in Phase]}
    number = {"type": "integer", "format": "int64"}
    return _record(
        "Where the workspace stands.",
        {
            "conditions": {
                "type": "array",
                "items": _condition(),
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["type"],
            },
            "state": _text("KAITO's summary: Pending, Ready, NotReady, Failed."),
            "workerNodes": {"type": "array", "items": {"type": "string"}},
            "targetNodeCount": {**number, "description": "Nodes that the plan asks for."},
            "phase": {**phase, "description": "Where the workspace's state machine stands."},
            "phaseSince": _moment("When it came there."),
            "deadline": _moment("When it stops waiting."),
            "reason": _text("Why it stands there, for programs."),
            "message": _text("Why it stands there, for people."),
            "waitingFor": _text("What it waits for."),
            "remedy": _text("What to do about it."),
            "attempt": {**number, "description": "Tries so far; retries count."},
            "revision": _text("Digest of all that shapes the pods."),
            "observedGeneration": number,
            "handledRetry": _text("The last retry request that was carried out."),
            "silentSince": _moment("Since when a ready replica's model has not answered."),
            "replacements": {
                "type": "array",
                "description": "For each node, the lost node claims that were replaced.",
                "items": number,
            },
            "replacedAt": _moment("When a lost node claim was last replaced."),
            "claimsSeen": {
                "type": "array",
                "description": "The node claims asked for that were seen to exist.",
                "items": {"type": "string"},
            },
            "candidate": {**number, "description": "The offering in use, counted from 0."},
            "ownNodes": {
                "type": "array",
                "description": "Nodes of the user's own that it runs on.",
                "items": {"type": "string"},
            },
            "refusedOfferings": {
                "type": "array",
                "description": "What could not be had in this attempt.",
                "items": _record(
                    "A kind of machine, and why it could not be had.",
                    {
                        "instanceType": {"type": "string"},
                        "capacityType": {"type": "string"},
                        "reason": {"type": "string"},
                        "message": {"type": "string"},
                    },
                ),
            },
            "plan": _record(
                "What was asked of the cluster, and why.",
                {
                    "preset": {"type": "string"},
                    "instanceType": {"type": "string"},
                    "capacityType": {"type": "string"},
                    "provisioner": {"type": "string"},
                    "nodeCount": number,
                    "gpusPerNode": number,
                    "diskGiB": number,
                    "why": {"type": "string"},
                },
            ),
            "endpoints": _record(
                "Where the workspace answers.",
                {
                    "http": _text("The gateway: /chat and OpenAI's /v1."),
                    "tritonHTTP": _text("Triton, KServe v2 over HTTP."),
                    "tritonGRPC": _text("Triton, KServe v2 over gRPC."),
                    "metrics": _text("Triton's Prometheus metrics."),
                },
            ),
            "history": {
                "type": "array",
                "description": "The last passages from phase to phase.",
                "items": _record(
                    "One passage.",
                    {
                        "from": phase,
                        "to": phase,
                        "at": _moment("When."),
                        "reason": {"type": "string"},
                        "message": {"type": "string"},
                    },
                ),
            },
        },
    )


def workspace_schema(*, default_instance_type: str) -> Object:
    """One served version's ``openAPIV3Schema``; the default is "" where there is none."""
    return _record(
        "A model to serve or to tune, and the nodes to do it on.",
        {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "resource": _resource(default_instance_type),
            "inference": _inference(),
            "tuning": _tuning(),
            "status": _status(),
        },
        required=["resource"],
        **{
            "x-kubernetes-validations": [
                _rule(
                    f"size(self.metadata.name) <= {MAX_NAME_LENGTH} && "
                    "self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
                    "metadata.name is not a DNS-1123 label of at most "
                    f"{MAX_NAME_LENGTH} characters",
                ),
                _rule(
                    "has(self.inference) || has(self.tuning)",
                    "either inference or tuning must be specified, not neither",
                    ".inference",
                ),
                _rule(
                    "!(has(self.inference) && has(self.tuning))",
                    "either inference or tuning must be specified, but not both",
                    ".tuning",
                ),
                _rule(
                    "!has(self.tuning) || !has(self.resource.count) || self.resource.count <= 1",
                    "tuning does not support multinode",
                    ".resource.count",
                ),
                _rule(
                    "has(self.inference) == has(oldSelf.inference) && "
                    "has(self.tuning) == has(oldSelf.tuning)",
                    "inference and tuning cannot be exchanged: create another workspace",
                ),
            ]
        },
    )
